#include "platform/base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace openp5 {
namespace {

using ::testing::ElementsAre;

TEST(BytesTest, NumbersAreLittleEndian) {
  EXPECT_EQ(NumberBytes(uint32_t{0x01020304}), "\x04\x03\x02\x01");
  EXPECT_EQ(NumberBytes(int16_t{-2}), "\xfe\xff");
  const std::vector<int16_t> numbers = {1, 0x0203};
  EXPECT_EQ(ViewBytes(std::span<const int16_t>(numbers)), std::string_view("\1\0\3\2", 4));
}

TEST(BytesTest, WhatIsWrittenIsRead) {
  const std::vector<float> written = {0.5f, -1};
  const std::string bytes =
      NumberBytes(uint64_t{7}) + std::string(ViewBytes(std::span<const float>(written))) + "ab\n.";
  ByteReader reader(bytes);
  uint64_t number = 0;
  std::vector<float> read(2);
  std::string_view line;
  ASSERT_TRUE(reader.Number(&number));
  ASSERT_TRUE(reader.Numbers(std::span(read)));
  ASSERT_TRUE(reader.Line(&line));
  EXPECT_EQ(number, 7u);
  EXPECT_THAT(read, ElementsAre(0.5f, -1));
  EXPECT_EQ(line, "ab");
  EXPECT_EQ(reader.position(), 19u);
  EXPECT_EQ(reader.remaining(), 1u);
}

TEST(BytesTest, NothingIsReadBeyondTheEnd) {
  ByteReader reader("abc", 1);
  uint32_t number = 5;
  std::string_view text = "unchanged";
  EXPECT_FALSE(reader.Number(&number));
  EXPECT_FALSE(reader.Take(3, &text));
  EXPECT_FALSE(reader.Skip(~uint64_t{0}));
  EXPECT_FALSE(reader.Line(&text));
  EXPECT_EQ(number, 5u);
  EXPECT_EQ(text, "unchanged");
  EXPECT_EQ(reader.position(), 1u);
  EXPECT_TRUE(reader.Skip(2));
  EXPECT_EQ(ByteReader("abc", 9).remaining(), 0u);
}

}  // namespace
}  // namespace openp5

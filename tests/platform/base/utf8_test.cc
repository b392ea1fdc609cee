#include "platform/base/utf8.h"

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

constexpr size_t kNone = std::string_view::npos;

TEST(FindInvalidUtf8Test, AcceptsCharactersOfEveryLength) {
  EXPECT_EQ(FindInvalidUtf8(""), kNone);
  EXPECT_EQ(FindInvalidUtf8("a\u00e9\u20ac\U0001f600"), kNone);
  EXPECT_EQ(FindInvalidUtf8(std::string_view("\0", 1)), kNone);
}

TEST(FindInvalidUtf8Test, NamesTheFirstBadByte) {
  EXPECT_EQ(FindInvalidUtf8("ab\xe9"), 2u);            // Latin-1
  EXPECT_EQ(FindInvalidUtf8("a\x80"), 1u);             // a rest without a beginning
  EXPECT_EQ(FindInvalidUtf8("\xc0\xaf"), 0u);          // longer than needed
  EXPECT_EQ(FindInvalidUtf8("\xed\xa0\x80"), 0u);      // a surrogate
  EXPECT_EQ(FindInvalidUtf8("\xf4\x90\x80\x80"), 0u);  // beyond U+10FFFF
  EXPECT_EQ(FindInvalidUtf8("a\xe2\x82"), 1u);         // cut off
}

TEST(AppendUtf8Test, WritesTheFirstAndLastCharacterOfEveryLength) {
  std::string text = "x";
  for (const uint32_t code :
       {0u, 0x7fu, 0x80u, 0x7ffu, 0x800u, 0xd7ffu, 0xe000u, 0xffffu, 0x10000u, 0x10ffffu}) {
    AppendUtf8(code, &text);
  }
  EXPECT_EQ(text, std::string("x\0\x7f", 3) +
                      "\xc2\x80\xdf\xbf"
                      "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
                      "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
  EXPECT_EQ(FindInvalidUtf8(text), kNone);
}

}  // namespace
}  // namespace openp5

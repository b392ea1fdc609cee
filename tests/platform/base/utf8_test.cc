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

}  // namespace
}  // namespace openp5

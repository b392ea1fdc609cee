#include "platform/base/log.h"

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

TEST(OneLineTest, EscapesControlCharactersAndNothingElse) {
  EXPECT_EQ(OneLine("plain \u00e9 'text' \\"), "plain \u00e9 'text' \\");
  EXPECT_EQ(OneLine(std::string_view("a\nb\tc\x1b[31m\0\x7f", 12)), "a\\nb\\tc\\x1b[31m\\x00\\x7f");
}

TEST(LogTest, WritesOneLineWhateverTheMessage) {
  ::testing::internal::CaptureStderr();
  LogError("first\nsecond");
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, ::testing::EndsWith("error: first\\nsecond\n"));
}

TEST(LogTest, WritesATableALineEach) {
  ::testing::internal::CaptureStderr();
  LogInfoLines("a  b\n1  2\n");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "info: a  b\ninfo: 1  2\n");
}

}  // namespace
}  // namespace openp5

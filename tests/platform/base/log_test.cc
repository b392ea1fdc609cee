#include "platform/base/log.h"

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

TEST(OneLineTest, EscapesControlCharactersAndNothingElse) {
  EXPECT_EQ(OneLine("plain \u00e9 'text' \\"), "plain \u00e9 'text' \\");
  EXPECT_EQ(OneLine(std::string_view("a\nb\tc\x1b[31m\0\x7f", 12)), "a\\nb\\tc\\x1b[31m\\x00\\x7f");
}

TEST(OneLineTest, EscapesWhatATerminalObeysBeyondAscii) {
  EXPECT_EQ(OneLine("C1 \u0085 \u009b31m end\u00a0"), "C1 \\xc2\\x85 \\xc2\\x9b31m end\u00a0");
  EXPECT_EQ(OneLine("not UTF-8 \x9b\xff"), "not UTF-8 \\x9b\\xff");
  EXPECT_EQ(OneLine("\u2028 \u2029 \u202e \u2066 \u2027 \u2030"),
            "\\xe2\\x80\\xa8 \\xe2\\x80\\xa9 \\xe2\\x80\\xae \\xe2\\x81\\xa6 \u2027 \u2030");
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

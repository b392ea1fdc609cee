#include "platform/text/token_cutter.h"

#include <string>
#include <vector>

#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Parts(const TokenCutter& cutter, std::string_view text) {
  std::vector<std::string> parts;
  cutter.Cut(
      text, [&](std::string_view part) { parts.emplace_back(part); },
      [&](int32_t id) { parts.push_back("#" + std::to_string(id)); });
  return parts;
}

TEST(TokenCutterTest, LeftmostThenLongest) {
  TokenCutter cutter;
  cutter.Add("ab", 1);
  cutter.Add("abc", 2);
  cutter.Add("bcd", 3);
  EXPECT_THAT(Parts(cutter, "xabcd"), ElementsAre("x", "#2", "d"));
  EXPECT_THAT(Parts(cutter, "abbcd"), ElementsAre("#1", "#3"));
  EXPECT_THAT(Parts(cutter, "ababx"), ElementsAre("#1", "#1", "x"));
  EXPECT_THAT(Parts(cutter, "a"), ElementsAre("a"));
  EXPECT_THAT(Parts(cutter, ""), ElementsAre());
}

TEST(TokenCutterTest, WithoutTokensNothingIsCut) {
  EXPECT_THAT(Parts(TokenCutter(), "abc"), ElementsAre("abc"));
}

TEST(TokenCutterTest, CutOutKeepsTheTextBetween) {
  EXPECT_THAT(CutOut(MakeCutter({"<CI1>", "", "<CI2>", "<CI3>"}), "item_<CI1><CI2> , item_<CI3>"),
              ElementsAre("item_", " , item_"));
  EXPECT_THAT(CutOut(MakeCutter({}), "item_1"), ElementsAre("item_1"));
}

}  // namespace
}  // namespace openp5::text

#include "platform/base/json.h"

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::nlohmann::json;
using ::nlohmann::ordered_json;
using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

std::string Repeat(std::string_view text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(ParseJson, GivesTheValueThatTheTextSays) {
  const std::string text =
      R"( {"b": [1, -2, 3.5, "ä\n", null, true, {}, []], "a": {"c": {"d": 18446744073709551615}}} )";
  const json expected = {{"b", {1, -2, 3.5, "ä\n", nullptr, true, json::object(), json::array()}},
                         {"a", {{"c", {{"d", 18446744073709551615u}}}}}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const json parsed, ParseJson(text, "f"));
  EXPECT_EQ(parsed, expected);
  EXPECT_TRUE(parsed["b"][0].is_number_unsigned());
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto ordered, ParseJson<ordered_json>(text, "f"));
  EXPECT_EQ(ordered.begin().key(), "b");
  EXPECT_EQ(ordered["a"]["c"]["d"], 18446744073709551615u);
  for (const char* scalar : {"null", "7", "-7", "0.5", "\"x\"", "false"}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const json one, ParseJson(scalar, "f"));
    EXPECT_EQ(DumpJson(one), scalar);
  }
}

TEST(ParseJson, SaysWhereAndWhatIsWrong) {
  const auto fails = [](std::string_view text, const std::string& message) {
    EXPECT_THAT(ParseJson(text, "f.json"), StatusIs(Code::kDataLoss, message));
    EXPECT_THAT(ParseJson<ordered_json>(text, "f.json"), StatusIs(Code::kDataLoss, message));
  };
  fails("", "f.json: expected JSON, got a syntax error at byte 1");
  fails("{\"a\": 1", "f.json: expected JSON, got a syntax error at byte 8");
  fails("{} {}", "f.json: expected JSON, got a syntax error at byte 4");
  fails("[NaN]", "f.json: expected JSON, got a syntax error at byte 2");
  fails("[\"\xe9\"]", "f.json: expected JSON, got a syntax error at byte 4");
  fails("[1e400]",
        "f.json: expected JSON with numbers in a double's range, got a larger one at byte 6");
  fails(R"({"a": 1, "b": {"x": 1, "x": 2}})",
        "f.json: expected every JSON name once, got 'x' twice");
  fails("{\"\\u001b[31m\": 1, \"\\u001b[31m\": 2}",
        "f.json: expected every JSON name once, got '\\033[31m' twice");
  EXPECT_THAT(ParseJson("?", ""),
              StatusIs(Code::kDataLoss, "expected JSON, got a syntax error at byte 1"));
  // The same name in two objects is none twice.
  OPENP5_EXPECT_OK(ParseJson<ordered_json>(R"([{"a": 1}, {"a": {"a": 2}}])", "f"));
}

TEST(ParseJson, NestingIsLimitedHoweverDeepTheTextIs) {
  OPENP5_EXPECT_OK(ParseJson(Repeat("[", 64) + Repeat("]", 64), "f"));
  OPENP5_EXPECT_OK(ParseJson("[[1],{\"a\":2}]", "f", 2));
  const auto too_deep =
      StatusIs(Code::kDataLoss, "f: expected JSON nested at most 64 deep, got deeper");
  for (const size_t depth : {65, 3'000'000}) {
    EXPECT_THAT(ParseJson(Repeat("[", depth) + Repeat("]", depth), "f"), too_deep);
    EXPECT_THAT(ParseJson(Repeat("[", depth), "f"), too_deep);
    EXPECT_THAT(ParseJson(Repeat("{\"a\":", depth), "f"), too_deep);
    EXPECT_THAT(ParseJson<ordered_json>(Repeat("{\"a\":[", depth), "f"), too_deep);
  }
}

// A million members take well below a second; a quadratic reader takes hours.
TEST(ParseJson, AnObjectOfAMillionMembersIsReadInLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 1'000'000; ++i) text += StrCat(i == 0 ? "" : ",", "\"t", i, "\":{}");
  text += "}";
  OPENP5_ASSERT_OK_AND_ASSIGN(const json parsed, ParseJson(text, "f"));
  EXPECT_EQ(parsed.size(), 1'000'000u);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto ordered, ParseJson<ordered_json>(text, "f"));
  EXPECT_EQ(ordered.size(), 1'000'000u);
  text.insert(1, "\"t999999\":1,");
  EXPECT_THAT(ParseJson(text, "f"), StatusIs(Code::kDataLoss, HasSubstr("'t999999' twice")));
  EXPECT_THAT(ParseJson<ordered_json>(text, "f"),
              StatusIs(Code::kDataLoss, HasSubstr("'t999999' twice")));
}

TEST(ReadJsonObject, WantsAnObject) {
  testing::TemporaryFolder folder;
  const std::string path = folder.File("f.json");
  EXPECT_THAT(ReadJsonObject(path), StatusIs(Code::kNotFound, HasSubstr(path)));
  OPENP5_ASSERT_OK(WriteFileAtomic(path, "[1]"));
  EXPECT_THAT(ReadJsonObject(path),
              StatusIs(Code::kDataLoss, path + ": expected a JSON object, got array"));
  OPENP5_ASSERT_OK(WriteFileAtomic(path, "{\"a\": 1}"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const json value, ReadJsonObject(path));
  EXPECT_EQ(value["a"], 1);
}

TEST(ReadJsonObject, RefusesAFileTooLargeForMemory) {
  testing::TemporaryFolder folder;
  const std::string path = folder.File("f.json");
  OPENP5_ASSERT_OK(WriteFileAtomic(path, ""));
  std::filesystem::resize_file(path, (256 << 20) + 1);  // a hole: takes no place
  EXPECT_THAT(ReadJsonObject(path),
              StatusIs(Code::kDataLoss,
                       path + ": expected at most 268435456 bytes of JSON, got 268435457"));
}

TEST(DumpJson, NeverFails) {
  EXPECT_EQ(DumpJson(json{{"a", "D\xff"}}), "{\"a\":\"D\xEF\xBF\xBD\"}");
  EXPECT_EQ(DumpJson(ordered_json{{"b", 1}, {"a", 2}}, 2), "{\n  \"b\": 1,\n  \"a\": 2\n}");
}

TEST(JsonExcerpt, IsShortHoweverLargeTheValueIs) {
  EXPECT_EQ(JsonExcerpt("noon"), "\"noon\"");
  EXPECT_EQ(JsonExcerpt("\x1b ä \xff"), "\"\\u001b \\u00e4 \\ufffd\"");
  EXPECT_EQ(JsonExcerpt(json{8, {0.5, nullptr}}), "[8,[0.5,null]]");
  EXPECT_EQ(JsonExcerpt(json{{"a", {{"b", true}}}}), "{\"a\":{\"b\":true}}");
  const std::string wide = JsonExcerpt(json(std::vector<int>(1'000'000, 7)));
  EXPECT_EQ(wide, "[" + Repeat("7,", 49) + "7...");
  EXPECT_EQ(JsonExcerpt(std::string(1'000'000, 'x')), "\"" + std::string(99, 'x') + "...");
  json deep;
  for (int i = 0; i < 2000; ++i) deep = json::array({std::move(deep)});
  EXPECT_EQ(JsonExcerpt(deep), std::string(100, '[') + "...");
}

TEST(WriteJson, RefusesWhatIsNotUtf8) {
  testing::TemporaryFolder folder;
  EXPECT_THAT(WriteJson(folder.File("f"), json{{"a", "\xff"}}),
              StatusIs(Code::kInvalidArgument, HasSubstr(folder.File("f"))));
  OPENP5_ASSERT_OK(WriteJson(folder.File("f"), json{{"a", 1}}));
  EXPECT_EQ(ReadFile(folder.File("f")).value(), "{\n  \"a\": 1\n}\n");
}

TEST(ReadCount, TakesWholeNumbersThatFit) {
  int64_t count = -1;
  EXPECT_TRUE(ReadCount(json(7u), &count));
  EXPECT_EQ(count, 7);
  for (const json& wrong : {json(-1), json(1.0), json("1"), json(9223372036854775808u), json()}) {
    EXPECT_FALSE(ReadCount(wrong, &count)) << wrong;
  }
  EXPECT_EQ(count, 7);
}

}  // namespace
}  // namespace openp5

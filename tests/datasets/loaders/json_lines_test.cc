#include "datasets/loaders/json_lines.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

class JsonLinesTest : public ::testing::Test {
 protected:
  JsonLinesTest() : lines_(text_, "f.json") {
    std::string_view line;
    EXPECT_TRUE(lines_.Next(&line).ok());
  }
  void ExpectFailure(const std::string& line, const std::string& message) {
    EXPECT_THAT(ParseObjectLine(line, lines_),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("f.json:1: " + message)));
    EXPECT_THAT(fields_.Parse(line, lines_),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("f.json:1: " + message)));
  }

  const std::string text_ = "x\n";
  TextLines lines_;
  ObjectFields fields_{{"user", "time", "stars"}};
};

TEST_F(JsonLinesTest, FieldsOfJsonAndOfLiterals) {
  for (const std::string line :
       {R"({"time": 12, "x": {"user": 1}, "user": "u\ud83d\ude00\/\n", "stars": 5e0})",
        R"({'time': 12, 'x': {'user': 1}, 'user': u'u\ud83d\ude00/\n', 'stars': 5.0})"}) {
    OPENP5_ASSERT_OK(fields_.Parse(line, lines_));
    EXPECT_EQ(*fields_.Text(0, lines_), "u😀/\n");
    EXPECT_EQ(*fields_.Integer(1, lines_), 12);
    EXPECT_EQ(*fields_.Integer(2, lines_), 5);
    EXPECT_EQ(*fields_.Number(2, lines_), 5.0);
    EXPECT_THAT(fields_.Id(0, lines_), StatusIs(absl::StatusCode::kInvalidArgument,
                                                HasSubstr("expected an id as \"user\" without")));
  }
}

TEST_F(JsonLinesTest, NothingIsLeftOfTheLineBefore) {
  OPENP5_ASSERT_OK(fields_.Parse(R"({"user": "a", "time": 1})", lines_));
  OPENP5_ASSERT_OK(fields_.Parse(R"({"user": null})", lines_));
  EXPECT_FALSE(fields_.Has(0));
  EXPECT_FALSE(fields_.Has(1));
  EXPECT_THAT(fields_.Integer(1, lines_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f.json:1: expected a whole number of 64 bits as \"time\", got nothing"));
}

TEST_F(JsonLinesTest, WrongTypesAreNamed) {
  OPENP5_ASSERT_OK(fields_.Parse(R"({"user": ["a"], "time": "5", "stars": true})", lines_));
  EXPECT_THAT(fields_.Text(0, lines_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f.json:1: expected a text as \"user\", got a list"));
  EXPECT_THAT(fields_.Integer(1, lines_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f.json:1: expected a whole number of 64 bits as \"time\", got a text"));
  EXPECT_THAT(fields_.Number(2, lines_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "f.json:1: expected a number as \"stars\", got true or false"));
  OPENP5_ASSERT_OK(
      fields_.Parse(R"({"user": 7, "time": 5.5, "stars": 99999999999999999999})", lines_));
  EXPECT_EQ(*fields_.Id(0, lines_), "7");
  EXPECT_FALSE(fields_.Integer(1, lines_).ok());
  EXPECT_FALSE(fields_.Integer(2, lines_).ok());
}

TEST_F(JsonLinesTest, MalformedLinesAreRefused) {
  ExpectFailure(R"({"user": "a")", "column 13: expected JSON, got ''");
  ExpectFailure("", "column 1: expected JSON, got ''");
  ExpectFailure("[1]", "expected an object, got '[1]'");
  ExpectFailure(R"({"user": "a", "user": "b"})", "expected key 'user' once");
  ExpectFailure("{'user': f()}", "column 10: expected a literal");
  ExpectFailure(R"({"user": 1e400})",
                "expected numbers within a double's range, got '{\\\"user\\\": 1e400}'");
  ExpectFailure("{\"user\": \"caf\xe9\"}", "column 14: expected UTF-8, got '\\351\\\"}'");
  std::string deep = "1";
  for (int i = 0; i < 70; ++i) deep = "[" + deep + "]";
  EXPECT_THAT(ParseObjectLine("{\"a\":" + deep + "}", lines_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 64 levels")));
  ExpectFailure(std::string(200000, '['), "expected at most 64 levels, got '[[[[");
}

}  // namespace
}  // namespace openp5::datasets

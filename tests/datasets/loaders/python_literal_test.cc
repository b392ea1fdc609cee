#include "datasets/loaders/python_literal.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

void ExpectJson(const std::string& literal, const std::string& json) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto value, ParsePythonLiteral(literal));
  EXPECT_EQ(value.dump(), json) << literal;
}
void ExpectFailure(const std::string& literal, const std::string& message) {
  EXPECT_THAT(ParsePythonLiteral(literal),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
      << literal;
}

TEST(PythonLiteralTest, ReadsWhatTheFilesHold) {
  ExpectJson(R"({'asin': '0001', "title": "It's", 'price': 5.5, 'n': -3, 'l': 12L, })",
             R"({"asin":"0001","l":12,"n":-3,"price":5.5,"title":"It's"})");
  ExpectJson("{'a': None, 'b': True, 'c': False, 'd': {}, 'e': [], 'f': ()}",
             R"({"a":null,"b":true,"c":false,"d":{},"e":[],"f":[]})");
  ExpectJson("[[u'x', 'y'], ('z',), [1,2 , 3]]", R"([["x","y"],["z"],[1,2,3]])");
  ExpectJson("  {'a':1e3}  ", R"({"a":1000.0})");
}

TEST(PythonLiteralTest, ReadsEscapes) {
  ExpectJson(R"('a\'b\"c\\d\n\te\/')", R"("a'b\"c\\d\n\te\\/")");
  ExpectJson(R"('caf\xc3\xa9')", "\"café\"");  // UTF-8
  ExpectJson(R"('caf\xe9')", "\"café\"");      // Latin-1
  ExpectJson(R"(u'caf\xe9 \u2713')", "\"café ✓\"");
  ExpectJson(R"(u'\ud83d\ude00\U0001f600')", "\"😀😀\"");
}

TEST(PythonLiteralTest, EvaluatesNothing) {
  ExpectFailure("__import__('os')",
                "column 1: expected a literal, got '__import__(\\'os\\')'; not a "
                "literal, and nothing is evaluated");
  ExpectFailure("{'a': b}", "column 7: expected a literal, got 'b}'");
  ExpectFailure("1+1", "column 1: expected a number, got '1+1'");
  ExpectFailure("{'a': dict()}", "column 7: expected a literal");
  ExpectFailure("'a' 'b'", "column 5: expected the end, got '\\'b\\''");
}

TEST(PythonLiteralTest, NamesWhatIsWrong) {
  ExpectFailure("", "column 1: expected a literal, got ''");
  ExpectFailure("{'a' 1}", "column 6: expected ':', got '1}'");
  ExpectFailure("{'a': 1", "column 8: expected ',' or '}', got ''");
  ExpectFailure("{1: 2}", "expected a text as key");
  ExpectFailure("{'a': 1, 'a': 2}", "expected key 'a' once");
  ExpectFailure("'abc", "column 5: expected a closing '");
  ExpectFailure("'a\\", "expected a character after \\");
  ExpectFailure("'\\xg1'", "expected 2 hexadecimal digits");
  ExpectFailure("u'\\ud800'", "expected a character");
  ExpectFailure("99999999999x", "expected a number");
  ExpectFailure(std::string(100000, '['), "expected at most 64 levels");
}

}  // namespace
}  // namespace openp5::datasets

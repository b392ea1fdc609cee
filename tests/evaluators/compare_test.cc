#include "evaluators/compare.h"

#include "evaluators/compare_report.h"
#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A result of four users with these values of hit@1.
StoredResult Result(const std::string& label, const std::vector<double>& values) {
  StoredResult result{.file = label + ".jsonl", .method = "model", .label = label};
  result.protocol = {.dataset = "toy", .split = "test", .task = "sequential", .users = 4};
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    result.users.push_back(StrCat("u", i));
    result.targets.push_back(StrCat("i", i));
    sum += values[i];
  }
  result.metrics = {{.name = "hit@1", .value = sum / 4, .users = values},
                    {.name = "coverage@1", .value = 0.25}};
  return result;
}

std::string FailureOf(const StoredResult& a, const StoredResult& b) {
  return std::string(Compare({a, b}, {}).status().message());
}

TEST(CompareTest, TestsEveryMethodAgainstTheFirst) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const Comparison comparison,
      Compare({Result("a", {0, 0, 0, 1}), Result("b", {1, 1, 0, 0})}, {.resamples = 200}));
  EXPECT_THAT(comparison.metrics, ElementsAre("hit@1", "coverage@1"));
  ASSERT_EQ(comparison.rows.size(), 2u);
  EXPECT_FALSE(comparison.rows[0].values[0].difference.has_value());
  const MethodValue& value = comparison.rows[1].values[0];
  EXPECT_EQ(value.mean, 0.5);
  EXPECT_TRUE(value.is_best);
  ASSERT_TRUE(value.difference.has_value());
  EXPECT_EQ(value.difference->mean, 0.25);
  EXPECT_EQ(value.difference->wins, 2);
  EXPECT_EQ(value.difference->ties, 1);
  EXPECT_EQ(value.difference->losses, 1);
  EXPECT_FALSE(value.difference->is_marked);
  EXPECT_FALSE(comparison.rows[1].values[1].difference.has_value());
  EXPECT_FALSE(comparison.rows[1].values[1].is_best);  // more coverage is not better or worse
}

TEST(CompareTest, TakesResultsOfOneMethodAsSeeds) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const Comparison comparison,
      Compare({Result("a", {0, 0, 0, 1}), Result("b", {1, 1, 0, 0}), Result("b", {1, 1, 1, 1})},
              {.baseline_result = "b", .resamples = 200}));
  ASSERT_EQ(comparison.rows.size(), 2u);
  EXPECT_EQ(comparison.baseline, 1u);
  const MethodValue& value = comparison.rows[1].values[0];
  EXPECT_EQ(value.mean, 0.75);
  EXPECT_NEAR(value.deviation, 0.3535533905932738, 1e-15);
  EXPECT_THAT(value.users, ElementsAre(1, 1, 0.5, 0.5));
  EXPECT_EQ(comparison.rows[0].values[0].difference->mean, -0.5);
}

TEST(CompareTest, RefusesPlainBesideFiltered) {
  StoredResult other = Result("b", {0, 0, 1, 1});
  other.protocol.filter = "search";
  EXPECT_EQ(FailureOf(Result("a", {0, 0, 0, 1}), other),
            "compare: b.jsonl (b): expected the protocol of a.jsonl (a), got another one: filter: "
            "expected plain (none), got filtered (search)");
}

TEST(CompareTest, RefusesAnotherSplit) {
  StoredResult other = Result("b", {0, 0, 1, 1});
  other.protocol.split = "validation";
  EXPECT_THAT(FailureOf(Result("a", {0, 0, 0, 1}), other),
              HasSubstr("split: expected test, got validation"));
}

TEST(CompareTest, RefusesOtherUsersAndTargets) {
  StoredResult other = Result("b", {0, 0, 1, 1});
  other.targets[2] = "x";
  other.protocol.users_digest = "1234";
  EXPECT_THAT(FailureOf(Result("a", {0, 0, 0, 1}), other),
              AllOf(HasSubstr("users and targets (digest): expected , got 1234"),
                    HasSubstr("user 3: expected 'u2' with target 'i2', got 'u2' with target 'x'")));
  other = Result("b", {0, 0, 1});
  other.protocol.users = 3;
  EXPECT_THAT(FailureOf(Result("a", {0, 0, 0, 1}), other),
              HasSubstr("number of users: expected 4, got 3"));
}

TEST(CompareTest, RefusesOtherCandidates) {
  StoredResult other = Result("b", {0, 0, 1, 1});
  other.protocol.candidates = 7;
  EXPECT_THAT(FailureOf(Result("a", {0, 0, 0, 1}), other),
              HasSubstr("number of candidates: expected 0, got 7"));
  other.protocol.candidates = 0;
  other.protocol.candidates_digest = "1234";
  EXPECT_THAT(FailureOf(Result("a", {0, 0, 0, 1}), other), HasSubstr("candidates (digest)"));
}

TEST(CompareTest, RefusesWhatCannotBeCompared) {
  EXPECT_THAT(Compare({Result("a", {0, 0, 0, 1})}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least two methods")));
  EXPECT_THAT(
      Compare({Result("a", {0, 0, 0, 1}), Result("b", {0, 0, 0, 1})}, {.baseline_result = "c"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a, b; got 'c'")));
  StoredResult other = Result("b", {0, 0, 1, 1});
  other.metrics = {{.name = "mrr@1", .value = 0}};
  EXPECT_THAT(FailureOf(Result("a", {0, 0, 0, 1}), other),
              HasSubstr("expected a metric that all results have"));
}

class CompareReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<double> low(40, 0), high(40, 1);
    low[0] = 1;
    StoredResult first = Result("pop_1", low), second = Result("my|model", high);
    for (StoredResult* result : {&first, &second}) result->protocol.users = 40;
    first.metrics[0].value = 0.025;
    second.metrics[0].value = 1;
    auto compared = Compare({first, second}, {.resamples = 200});
    ASSERT_TRUE(compared.ok()) << compared.status();
    comparison_ = *std::move(compared);
  }
  Comparison comparison_;
};

TEST_F(CompareReportTest, ShowsValuesAndDifferencesAsText) {
  EXPECT_THAT(ComparisonText(comparison_),
              AllOf(HasSubstr("protocol: toy, test, plain: 40 users"),
                    HasSubstr("method    results  hit@1    coverage@1\n"
                              "pop_1     1        0.0250   0.2500\n"
                              "my|model  1        1.0000*  0.2500\n"),
                    HasSubstr("hit@1   my|model  +0.9750"), HasSubstr("39/1/0"),
                    HasSubstr("*: differs from pop_1, p at most 0.05 by the randomization test")));
}

TEST_F(CompareReportTest, EscapesNamesAndSetsTheBestInBold) {
  EXPECT_THAT(ComparisonMarkdown(comparison_),
              AllOf(HasSubstr("| method | results | hit@1 | coverage@1 |\n|---|--:|--:|--:|\n"),
                    HasSubstr("| my\\|model | 1 | **1.0000**\\* | 0.2500 |"),
                    HasSubstr("| pop\\_1 | 1 | 0.0250 | 0.2500 |")));
  EXPECT_THAT(ComparisonLatex(comparison_),
              AllOf(HasSubstr("my|model & 1 & \\textbf{1.0000}$^{*}$ & 0.2500 \\\\\n"),
                    HasSubstr("pop\\_1 & 1 & 0.0250"), HasSubstr("\\caption{toy, test, plain"),
                    Not(HasSubstr("\\toprule"))));
}

TEST_F(CompareReportTest, WritesTheDocumentedJson) {
  const auto json = ComparisonToJson(comparison_);
  EXPECT_EQ(json["baseline"], "pop_1");
  EXPECT_EQ(json["protocol"]["users"], 40);
  const auto& method = json["methods"][1];
  EXPECT_EQ(method["files"][0], "my|model.jsonl");
  const auto& difference = method["metrics"]["hit@1"]["difference"];
  EXPECT_EQ(difference["wins"], 39);
  EXPECT_EQ(difference["interval"].size(), 2u);
  EXPECT_EQ(difference["holm"]["t"], difference["p"]["t"]);
  EXPECT_FALSE(method["metrics"]["coverage@1"].contains("difference"));
}

}  // namespace
}  // namespace openp5::evaluators

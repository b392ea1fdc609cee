#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A dataset that was made up, evaluated by two baselines.
class CompareTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    made_ =
        Run("set -e\n"
            "$OPENP5 dataset generate --out data/Toy --users 60 --items 60 --groups 2 --seed 3\n"
            "$E --baseline popularity --result-out popularity.jsonl --topk-out lists.jsonl\n"
            "$E --baseline popularity --filtered --result-out filtered.jsonl\n"
            "$E --baseline transitions --result-out transitions.jsonl\n");
  }
  void SetUp() override { ASSERT_EQ(made_.exit_code, 0) << made_.err; }
  static void TearDownTestSuite() { folder_.reset(); }

  static ProgramResult Run(const std::string& script) {
    return RunShell("E=\"$OPENP5 evaluate --data-dir data --datasets Toy\"\n" + script,
                    folder_->path());
  }

 private:
  inline static std::unique_ptr<TemporaryFolder> folder_;
  inline static ProgramResult made_;
};

TEST_F(CompareTest, ComparesInEveryForm) {
  const ProgramResult text = Run("$OPENP5 compare popularity.jsonl transitions.jsonl");
  ExpectSuccess(text);
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("protocol: Toy, test, plain: 60 users"),
                    HasSubstr("popularity   1        "), HasSubstr("hit@10   transitions  ")));
  const ProgramResult json =
      Run("$OPENP5 compare popularity.jsonl transitions.jsonl --baseline-result transitions.jsonl "
          "--format json");
  ExpectSuccess(json);
  EXPECT_EQ(nlohmann::json::parse(json.out)["baseline"], "transitions");
  EXPECT_THAT(Run("$OPENP5 compare popularity.jsonl transitions.jsonl --format markdown").out,
              HasSubstr("| method | results | hit@5 |"));
  EXPECT_THAT(Run("$OPENP5 compare popularity.jsonl transitions.jsonl --format latex").out,
              HasSubstr("\\begin{tabular}{lrrrrr}"));
}

TEST_F(CompareTest, RefusesOtherProtocolsAndOtherFiles) {
  ExpectFailure(Run("$OPENP5 compare popularity.jsonl filtered.jsonl"), 1,
                AllOf(HasSubstr("filtered.jsonl (popularity): expected the protocol of "),
                      HasSubstr("filter: expected plain (none), got filtered (search)")));
  ExpectFailure(Run("$OPENP5 compare popularity.jsonl lists.jsonl"), 1,
                HasSubstr("lists.jsonl:1: format: expected a text, got none"));
  ExpectFailure(Run("$OPENP5 compare popularity.jsonl none.jsonl"), 1, HasSubstr("none.jsonl"));
  ExpectFailure(Run("$OPENP5 compare popularity.jsonl"), 2, HasSubstr("at least two methods"));
  ExpectFailure(Run("$OPENP5 compare popularity.jsonl popularity.jsonl"), 2,
                HasSubstr("'popularity.jsonl' is given twice"));
  ExpectFailure(Run("$OPENP5 compare"), 2, HasSubstr("missing RESULT..."));
}

TEST_F(CompareTest, EvaluatesListsAsTheirMethod) {
  const auto lists = Run("$E --lists lists.jsonl --label mine --format json --result-out l.jsonl");
  ExpectSuccess(lists);
  const auto own = Run("$E --baseline popularity --format json");
  const auto of_lists = nlohmann::json::parse(lists.out)["results"][0];
  const auto of_baseline = nlohmann::json::parse(own.out)["results"][0];
  EXPECT_EQ(of_lists["metrics"], of_baseline["metrics"]);
  EXPECT_EQ(of_lists["protocol"]["digest"], of_baseline["protocol"]["digest"]);
  EXPECT_EQ(of_lists["label"], "mine");
  EXPECT_THAT(Run("$OPENP5 compare l.jsonl popularity.jsonl").out, HasSubstr("0/60/0"));
  ExpectFailure(Run("$E --lists lists.jsonl --filtered"), 1,
                HasSubstr("expected no item of the user's past in a filtered list"));
  ExpectFailure(Run("$E --lists lists.jsonl --split validation"), 1,
                HasSubstr("hint: --split must be the one that the lists were made for"));
  ExpectFailure(Run("$E --lists lists.jsonl --checkpoint x"), 2,
                HasSubstr("--checkpoint and --lists: expected one of them, got both"));
  ExpectFailure(Run("$E --lists lists.jsonl --result-out lists.jsonl"), 2,
                HasSubstr("--result-out"));
}

TEST_F(CompareTest, EvaluatesStrata) {
  const auto text = Run("$E --baseline popularity --strata");
  ExpectSuccess(text);
  EXPECT_THAT(text.out, AllOf(HasSubstr("target popularity  head "), HasSubstr("reachable ")));
  const auto json = nlohmann::json::parse(
      Run("$E --baseline popularity --strata --format json").out)["results"][0];
  EXPECT_EQ(json["strata"][0]["property"], "target popularity");
  EXPECT_EQ(json["strata"][0]["metrics"]["hit@10"]["interval"].size(), 2u);
}

}  // namespace
}  // namespace openp5::testing

#include "platform/recommenders/popularity_recommender.h"

#include "evaluators/evaluate.h"
#include "tests/testing/testing.h"

namespace openp5::recommenders {
namespace {

using evaluators::EvaluationOptions;
using evaluators::RankingResult;
using ::testing::ElementsAre;

// Training counts: a 3, b 2, c 2, d 1. Items are numbered in order of appearance.
constexpr char kSequences[] =
    "u1 a b c d\n"
    "u2 a b d c\n"
    "u3 a c d a b\n"
    "u4 c b d\n";

class PopularityTest : public ::testing::Test {
 protected:
  RankingResult Evaluate(const EvaluationOptions& options) {
    auto dataset = datasets::SequenceDataset::Parse("toy", kSequences, "toy");
    EXPECT_TRUE(dataset.ok());
    const auto metrics = evaluators::ParseMetrics({"hit@1", "hit@2"});
    EXPECT_TRUE(metrics.ok());
    auto result = evaluators::Evaluate(*MakePopularity(*dataset), /*dataset=*/0, "sequential",
                                       *metrics, options);
    EXPECT_TRUE(result.ok());
    return *std::move(result);
  }
};

TEST_F(PopularityTest, RanksByTrainingCountThenByNumber) {
  const RankingResult result = Evaluate({.beams = 4});
  ASSERT_EQ(result.rankings.size(), 4u);
  // Items a, b, c, d are 0, 1, 2, 3.
  EXPECT_THAT(result.rankings[0].items, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(result.rankings[0].scores, ElementsAre(3, 2, 2, 1));
  EXPECT_EQ(result.rankings[0].target, 3);
  EXPECT_EQ(result.method, "popularity");
  EXPECT_DOUBLE_EQ(result.metrics[0].value, 0.0);   // targets are d, c, b, d
  EXPECT_DOUBLE_EQ(result.metrics[1].value, 0.25);  // b of u3
}

TEST_F(PopularityTest, LeavesOutWhatTheUserHasSeen) {
  const RankingResult result = Evaluate({.filtered = true, .beams = 4});
  EXPECT_THAT(result.rankings[0].items, ElementsAre(3));
  EXPECT_THAT(result.rankings[3].items, ElementsAre(0, 3));
  EXPECT_DOUBLE_EQ(result.metrics[0].value, 0.75);
  EXPECT_DOUBLE_EQ(result.metrics[1].value, 1.0);
}

TEST_F(PopularityTest, AsksForTheSplitAndTheFirstUsers) {
  const RankingResult result = Evaluate({.split = datasets::Split::kValidation, .users = 2});
  ASSERT_EQ(result.rankings.size(), 2u);
  EXPECT_EQ(result.rankings[1].target, 3);
  EXPECT_EQ(result.rankings[1].items.size(), 2u);  // the largest k
}

}  // namespace
}  // namespace openp5::recommenders

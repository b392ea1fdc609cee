#include "platform/recommenders/fused_recommender.h"

#include "evaluators/tune_fusion.h"
#include "platform/recommenders/popularity_recommender.h"
#include "platform/recommenders/transitions_recommender.h"
#include "tests/platform/recommenders/evaluated.h"

namespace openp5::recommenders {
namespace {

using ::openp5::testing::Evaluated;
using ::openp5::testing::ParseSequences;
using ::openp5::testing::RandomSequences;
using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FuseRankingsTest, SumsWeightedReciprocalRanks) {
  const Ranking first{.items = {7, 3, -1, 5}, .scores = {}}, second{.items = {3, 9}, .scores = {}};
  const std::vector<const Ranking*> lists = {&first, &second};
  const std::vector<double> weights = {1, 0.5};
  const Ranking fused = FuseRankings(lists, weights, {.depth = 4, .constant = 1}, 3);
  // 7: 1/2. 3: 1/3 + .5/2 = .583. 5: 1/5. 9: .5/3 = .167.
  EXPECT_THAT(fused.items, ElementsAre(3, 7, 5));
  EXPECT_FLOAT_EQ(fused.scores[0], 1.0f / 3 + 0.25f);
  EXPECT_FLOAT_EQ(fused.scores[2], 0.2f);
  // Only the first two of each list: 5 is out.
  EXPECT_THAT(FuseRankings(lists, weights, {.depth = 2, .constant = 1}, 9).items,
              ElementsAre(3, 7, 9));
  // A list without weight adds nothing, not even items.
  EXPECT_THAT(FuseRankings(lists, std::vector<double>{0, 1}, {.constant = 1}, 9).items,
              ElementsAre(3, 9));
}

TEST(FusedRecommenderTest, OfAPartThatHasAllTheWeightIsThatPart) {
  const datasets::SequenceDataset dataset = RandomSequences(5, 50, 12, 20);
  const auto popularity = MakePopularity(dataset), transitions = MakeTransitions(dataset, {});
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto fused,
      FusedRecommender::Create({{popularity.get(), 0}, {transitions.get(), 1}}, {.depth = 20}));
  for (const bool filtered : {false, true}) {
    const auto expected = Evaluated(*transitions, {"hit@5"}, {.filtered = filtered});
    const auto got = Evaluated(*fused, {"hit@5"}, {.filtered = filtered});
    EXPECT_EQ(got.method, "fused");
    for (size_t user = 0; user < expected.rankings.size(); ++user) {
      EXPECT_EQ(got.rankings[user].items, expected.rankings[user].items);
    }
  }
}

TEST(FusedRecommenderTest, OtherDataIsRefused) {
  const auto one = ParseSequences("u a b c d\n"), other = ParseSequences("u a b c e\n");
  const auto first = MakePopularity(one), second = MakePopularity(other);
  EXPECT_THAT(FusedRecommender::Create({{first.get(), 1}, {second.get(), 1}}, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("of the same data")));
}

// Every user goes through the items in one order, which successors know and popularity does not.
TEST(TuneFusionTest, TrustsWhoIsRight) {
  std::string text;
  for (int user = 0; user < 12; ++user) {
    text += StrCat("u", user);
    for (int i = 0; i < 6; ++i) text += StrCat(" i", (user + i) % 12);
    text += "\n";
  }
  const datasets::SequenceDataset dataset = ParseSequences(text);
  const auto popularity = MakePopularity(dataset), transitions = MakeTransitions(dataset, {});
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto fused,
      FusedRecommender::Create({{popularity.get(), 1}, {transitions.get(), 1}}, {.depth = 12}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics, evaluators::ParseMetrics({"ndcg@1"}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const evaluators::TunedFusion tuned,
                              evaluators::TuneFusion(*fused, "sequential", metrics.front(),
                                                     {.split = datasets::Split::kTest}));
  ASSERT_EQ(tuned.weights.size(), 2u);
  EXPECT_GT(tuned.weights[1], tuned.weights[0]);
  EXPECT_DOUBLE_EQ(tuned.weights[0] + tuned.weights[1], 1);
  EXPECT_DOUBLE_EQ(tuned.value, 1);
}

}  // namespace
}  // namespace openp5::recommenders

#include "platform/recommenders/transitions_recommender.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/platform/recommenders/evaluated.h"

namespace openp5::recommenders {
namespace {

using evaluators::RankingResult;
using evaluators::UserRanking;
using ::openp5::testing::Evaluated;
using ::openp5::testing::ParseSequences;
using ::openp5::testing::RandomSequences;
using ::testing::ElementsAre;

// 60 users with 3 to 14 of 25 items. Ids are so numbered that their order as text is not that of
// their first appearance.
datasets::SequenceDataset RandomDataset() { return RandomSequences(11, 60, 14, 25); }

// The list of one user by the definition, on maps.
std::vector<std::string> Reference(const datasets::SequenceDataset& dataset,
                                   const TransitionsOptions& options, int32_t user, bool filtered,
                                   size_t length) {
  std::map<std::string, int> popularity;
  std::map<std::string, std::map<std::string, double>> counts;
  for (int32_t item = 0; item < dataset.item_count(); ++item) {
    popularity[std::string(dataset.ItemId(item))] = 0;
  }
  for (int32_t other = 0; other < dataset.user_count(); ++other) {
    std::vector<std::string> ids;
    for (const int32_t item : dataset.TrainPart(other)) ids.emplace_back(dataset.ItemId(item));
    for (size_t i = 0; i < ids.size(); ++i) {
      ++popularity[ids[i]];
      for (size_t d = 1; d <= static_cast<size_t>(options.window) && i + d < ids.size(); ++d) {
        counts[ids[i]][ids[i + d]] += std::pow(options.decay, static_cast<double>(d - 1));
      }
    }
  }
  const auto sequence = dataset.Sequence(user);
  std::map<std::string, double> scores;
  std::set<std::string> past;
  for (size_t j = 0; j + 1 < sequence.size(); ++j) {
    const std::string id(dataset.ItemId(sequence[sequence.size() - 2 - j]));
    past.insert(id);
    if (j >= static_cast<size_t>(options.history)) continue;
    const double weight = std::pow(options.history_weight, static_cast<double>(j));
    for (const auto& [next, count] : counts[id]) scores[next] += weight * count;
  }
  std::vector<std::tuple<double, int, std::string>> order;
  for (const auto& [id, count] : popularity) {
    if (!(filtered && past.contains(id))) order.emplace_back(-scores[id], -count, id);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::string> ids;
  for (const auto& entry : order) {
    if (ids.size() < length) ids.push_back(std::get<2>(entry));
  }
  return ids;
}

std::vector<std::string> Ids(const datasets::SequenceDataset& dataset, const UserRanking& ranking) {
  std::vector<std::string> ids;
  for (const int32_t item : ranking.items) ids.emplace_back(dataset.ItemId(item));
  return ids;
}

TEST(TransitionsTest, EqualsAReferenceOnMaps) {
  const datasets::SequenceDataset dataset = RandomDataset();
  for (const TransitionsOptions& options : std::vector<TransitionsOptions>{
           {},
           {.window = 1, .decay = 1, .history_weight = 1, .history = 100},
           {.window = 10, .decay = 0.9, .history_weight = 0.6, .history = 3},
           {.window = 4, .decay = 0, .history_weight = 0, .history = 5}}) {
    for (const bool filtered : {false, true}) {
      const RankingResult result =
          Evaluated(*MakeTransitions(dataset, options), {"hit@20"}, {.filtered = filtered});
      ASSERT_EQ(result.rankings.size(), 60u);
      for (const UserRanking& ranking : result.rankings) {
        EXPECT_EQ(ranking.target, dataset.Sequence(ranking.user).back());
        EXPECT_EQ(Ids(dataset, ranking), Reference(dataset, options, ranking.user, filtered, 20))
            << "user " << ranking.user << ", window " << options.window << ", filtered "
            << filtered;
      }
    }
  }
}

// Training parts: a b c, a c, d.
constexpr char kSequences[] =
    "u1 a b c d a\n"
    "u2 a c b d\n"
    "u3 d a b\n";

TEST(TransitionsTest, ScoresAreDecayedCountsOfTheTrainingParts) {
  const datasets::SequenceDataset dataset = ParseSequences(kSequences);
  const RankingResult result =
      Evaluated(*MakeTransitions(dataset, {.decay = 0.5, .history_weight = 0.1}), {"hit@4"},
                {.split = datasets::Split::kValidation, .users = 2});
  EXPECT_EQ(result.method, "transitions");
  ASSERT_EQ(result.rankings.size(), 2u);
  // After a, c: c leads nowhere; a, one step back, to b once and to c once near and once far.
  EXPECT_THAT(Ids(dataset, result.rankings[1]), ElementsAre("c", "b", "a", "d"));
  EXPECT_FLOAT_EQ(result.rankings[1].scores[0], 0.1f * 1.5f);
  EXPECT_FLOAT_EQ(result.rankings[1].scores[1], 0.1f * 1.0f);
  EXPECT_FLOAT_EQ(result.rankings[1].scores[2], 0);
}

TEST(TransitionsTest, PastItemsAreLeftOutAndTheMostPopularFillTheList) {
  const datasets::SequenceDataset dataset = ParseSequences(kSequences);
  const RankingResult result = Evaluated(*MakeTransitions(dataset, {}), {"hit@4"},
                                         {.split = datasets::Split::kValidation, .filtered = true});
  EXPECT_THAT(Ids(dataset, result.rankings[1]), ElementsAre("b", "d"));
  EXPECT_THAT(Ids(dataset, result.rankings[2]), ElementsAre("a", "c", "b"));  // 2, 2 and 1 times
}

}  // namespace
}  // namespace openp5::recommenders

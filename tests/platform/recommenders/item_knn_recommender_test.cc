#include "platform/recommenders/item_knn_recommender.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/platform/recommenders/evaluated.h"

namespace openp5::recommenders {
namespace {

using evaluators::RankingResult;
using evaluators::UserRanking;
using ::openp5::testing::Evaluated;
using ::openp5::testing::ParseSequences;
using ::openp5::testing::RandomSequences;
using ::testing::IsEmpty;

// 40 users with 3 to 12 of 15 items.
datasets::SequenceDataset RandomDataset() { return RandomSequences(7, 40, 12, 15); }

// By the definition, on dense matrices.
class DenseReference {
 public:
  DenseReference(const datasets::SequenceDataset& dataset, const ItemKnnOptions& options)
      : items_(static_cast<size_t>(dataset.item_count())),
        kept_(items_, std::vector<double>(items_, 0.0)) {
    std::vector<std::set<int32_t>> users(items_);
    for (int32_t user = 0; user < dataset.user_count(); ++user) {
      for (const int32_t item : dataset.TrainPart(user)) users[item].insert(user);
    }
    for (size_t item = 0; item < items_; ++item) {
      std::vector<std::pair<double, size_t>> order;  // negative similarity, item
      for (size_t other = 0; other < items_; ++other) {
        double common = 0;
        for (const int32_t user : users[item]) common += users[other].contains(user) ? 1 : 0;
        if (other == item || common == 0) continue;
        const double norms = std::sqrt(static_cast<double>(users[item].size()) *
                                       static_cast<double>(users[other].size()));
        order.emplace_back(-common / (norms + options.shrink), other);
      }
      std::sort(order.begin(), order.end());
      order.resize(std::min(order.size(), static_cast<size_t>(options.neighbours)));
      for (const auto& [negative, other] : order) kept_[item][other] = -negative;
    }
  }

  std::vector<int32_t> Rank(const std::set<int32_t>& past, bool filtered, size_t count) const {
    std::vector<std::pair<double, int32_t>> order;
    for (size_t other = 0; other < items_; ++other) {
      double score = 0;
      for (const int32_t item : past) score += kept_[static_cast<size_t>(item)][other];
      const auto number = static_cast<int32_t>(other);
      if (score > 0 && !(filtered && past.contains(number))) order.emplace_back(-score, number);
    }
    std::sort(order.begin(), order.end());
    std::vector<int32_t> ranked;
    for (size_t i = 0; i < std::min(count, order.size()); ++i) ranked.push_back(order[i].second);
    return ranked;
  }

 private:
  size_t items_;
  std::vector<std::vector<double>> kept_;  // [item][neighbour], 0 where it is none
};

TEST(ItemKnnTest, EqualsADenseReference) {
  const datasets::SequenceDataset dataset = RandomDataset();
  for (const auto& [neighbours, shrink] :
       std::vector<std::pair<int64_t, double>>{{1, 0}, {3, 0}, {3, 10}, {100, 0}, {100, 2.5}}) {
    const ItemKnnOptions options{.neighbours = neighbours, .shrink = shrink};
    const DenseReference reference(dataset, options);
    for (const bool filtered : {false, true}) {
      const RankingResult result =
          Evaluated(*MakeItemKnn(dataset, options), {"hit@5"}, {.filtered = filtered});
      ASSERT_EQ(result.rankings.size(), 40u);
      for (const UserRanking& ranking : result.rankings) {
        const auto sequence = dataset.Sequence(ranking.user);
        EXPECT_EQ(ranking.target, sequence.back());
        EXPECT_EQ(
            ranking.items,
            reference.Rank(std::set<int32_t>(sequence.begin(), sequence.end() - 1), filtered, 5))
            << "user " << ranking.user << ", neighbours " << neighbours << ", shrink " << shrink
            << ", filtered " << filtered;
      }
    }
  }
}

// Training parts: a b, a b, a c, d. So a has the cosines 2/√6 with b and 1/√3 with c.
constexpr char kSequences[] =
    "u1 a b c d\n"
    "u2 a b d c\n"
    "u3 a c b a\n"
    "u4 d a b\n";

TEST(ItemKnnTest, ScoresAreCosinesOfTheTrainingParts) {
  const datasets::SequenceDataset dataset = ParseSequences(kSequences);
  const RankingResult result = Evaluated(*MakeItemKnn(dataset, {}), {"hit@1", "hit@2"},
                                         {.split = datasets::Split::kValidation, .users = 3});
  EXPECT_EQ(result.method, "item-knn");
  ASSERT_EQ(result.rankings.size(), 3u);
  EXPECT_EQ(result.rankings[0].items, (std::vector<int32_t>{0, 1}));  // a by b, b by a: a tie
  EXPECT_FLOAT_EQ(result.rankings[0].scores[0], 2 / std::sqrt(6.0f));
  EXPECT_FLOAT_EQ(result.rankings[0].scores[1], 2 / std::sqrt(6.0f));
  EXPECT_EQ(result.rankings[2].items, (std::vector<int32_t>{1, 0}));  // b by a; a by c
  EXPECT_FLOAT_EQ(result.rankings[2].scores[1], 1 / std::sqrt(3.0f));
  EXPECT_DOUBLE_EQ(result.metrics[0].value, 1.0 / 3);  // b of u3
}

TEST(ItemKnnTest, ItemsThatNothingLeadsToAreNotRanked) {
  const datasets::SequenceDataset dataset = ParseSequences(kSequences);
  const RankingResult result = Evaluated(*MakeItemKnn(dataset, {.neighbours = 1}), {"hit@3"},
                                         {.split = datasets::Split::kValidation, .filtered = true});
  EXPECT_THAT(result.rankings[3].items, IsEmpty());  // d is alone in its training part
}

}  // namespace
}  // namespace openp5::recommenders

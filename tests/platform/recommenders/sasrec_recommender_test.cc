#include "platform/recommenders/sasrec_recommender.h"

#include <torch/types.h>

#include <algorithm>
#include <numeric>

#include "evaluators/evaluate.h"
#include "tests/testing/testing.h"

namespace openp5::recommenders {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

using evaluators::EvaluationOptions;
using evaluators::RankingResult;
using evaluators::UserRanking;

constexpr char kSequences[] =
    "u1 a b c d e\n"
    "u2 c b a\n"
    "u3 f g a b c d e f\n"
    "u4 b d f a\n";

class SasrecRecommenderTest : public ::testing::Test {
 protected:
  SasrecRecommenderTest()
      : dataset_(*datasets::SequenceDataset::Parse("toy", kSequences, "toy")),
        model_(models::SasrecModel::Create(
            {.item_count = 7, .hidden_size = 8, .num_layers = 1, .max_length = 3}, /*seed=*/5)),
        rows_(7) {
    at::manual_seed(3);
    for (const auto& [name, tensor] : model_->parameters()) tensor.detach().normal_(0, 0.5);
    std::iota(rows_.begin(), rows_.end(), 0);
    metrics_ = *evaluators::ParseMetrics({"hit@3"});
  }
  std::unique_ptr<Recommender> Open() const {
    return MakeSasrec(*model_, dataset_, rows_, c10::Device(c10::kCPU));
  }
  RankingResult Evaluate(const EvaluationOptions& options) {
    auto result = evaluators::Evaluate(*Open(), /*dataset=*/0, "sequential", metrics_, options);
    EXPECT_TRUE(result.ok());
    return *std::move(result);
  }
  // Every item, best first, after the last three of `history`, by rows.
  std::vector<int32_t> Expected(const std::vector<int64_t>& latest) {
    models::PackedBatch batch;
    batch.tokens = torch::tensor(latest, torch::kLong);
    batch.lengths = {static_cast<int64_t>(latest.size())};
    const at::Tensor scores =
        model_->Scores(model_->Forward(batch)).select(0, batch.lengths[0] - 1);
    const at::Tensor order = scores.argsort(-1, /*descending=*/true).to(at::kInt);
    return {order.const_data_ptr<int32_t>(), order.const_data_ptr<int32_t>() + order.numel()};
  }

  const datasets::SequenceDataset dataset_;
  const std::unique_ptr<models::SasrecModel> model_;
  std::vector<int64_t> rows_;
  std::vector<evaluators::Metric> metrics_;
};

TEST_F(SasrecRecommenderTest, RanksAllItemsByTheirScores) {
  const RankingResult result = Evaluate({.beams = 7, .eval_batch_size = 3});
  ASSERT_EQ(result.rankings.size(), 4u);
  // Items a … g are 0 … 6; f and g appear first with u3.
  EXPECT_EQ(result.rankings[0].items, Expected({1, 2, 3}));
  EXPECT_EQ(result.rankings[1].items, Expected({2, 1}));
  EXPECT_EQ(result.rankings[2].items, Expected({2, 3, 4}));
  EXPECT_EQ(result.rankings[3].items, Expected({1, 3, 5}));
  EXPECT_EQ(result.rankings[2].target, 5);
  EXPECT_TRUE(std::is_sorted(result.rankings[0].scores.rbegin(), result.rankings[0].scores.rend()));
  double hits = 0;
  for (const UserRanking& ranking : result.rankings) {
    const auto& items = ranking.items;
    hits += std::find(items.begin(), items.begin() + 3, ranking.target) != items.begin() + 3;
  }
  EXPECT_DOUBLE_EQ(result.metrics[0].value, hits / 4);
}

TEST_F(SasrecRecommenderTest, LeavesOutWhatTheUserHasSeen) {
  const RankingResult result = Evaluate({.filtered = true, .beams = 7});
  EXPECT_EQ(result.filter, "search");
  // Also what is older than the model sees: a of u1.
  ASSERT_EQ(result.rankings[0].items.size(), 3u);
  for (const int32_t seen : {0, 1, 2, 3}) {
    EXPECT_THAT(result.rankings[0].items, Not(Contains(seen)));
  }
}

TEST_F(SasrecRecommenderTest, ItemsAreThoseOfTheirRows) {
  const RankingResult plain = Evaluate({.beams = 7});
  // The same model with its rows in another order.
  const std::vector<int64_t> order = {3, 0, 6, 1, 5, 2, 4};
  const at::Tensor table = FindTensor(model_->parameters(), "item_embeddings.weight")->detach();
  table.copy_(table.clone().index_select(0, torch::tensor(order, torch::kLong)));
  for (size_t row = 0; row < order.size(); ++row) {
    rows_[static_cast<size_t>(order[row])] = static_cast<int64_t>(row);
  }
  const RankingResult permuted = Evaluate({.beams = 7});
  for (size_t user = 0; user < 4; ++user) {
    EXPECT_EQ(permuted.rankings[user].items, plain.rankings[user].items);
  }
}

TEST_F(SasrecRecommenderTest, TiesAreInOrderOfItemNumber) {
  FindTensor(model_->parameters(), "item_embeddings.weight")->detach().zero_();
  EXPECT_THAT(Evaluate({.beams = 4}).rankings[1].items, ElementsAre(0, 1, 2, 3));
}

TEST_F(SasrecRecommenderTest, RecommendsAfterAHistory) {
  const auto recommender = Open();
  std::vector<int32_t> expected = Expected({4, 4, 2});
  const std::vector<int32_t> history = {6, 4, 4, 2};
  const std::vector<Query> queries = {{.history = history},
                                      {.history = history, .excluded = {2, 4, 6}}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto lists, recommender->Rank(queries, 7, {}));
  EXPECT_EQ(lists[0].items, expected);
  std::erase_if(expected, [](int32_t item) { return item == 2 || item == 4 || item == 6; });
  EXPECT_EQ(lists[1].items, expected);
}

TEST_F(SasrecRecommenderTest, AnEmptyHistoryIsRefused) {
  const std::vector<Query> queries = {{}};
  EXPECT_THAT(Open()->Rank(queries, 3, {}), testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                                              ::testing::HasSubstr("history")));
}

}  // namespace
}  // namespace openp5::recommenders

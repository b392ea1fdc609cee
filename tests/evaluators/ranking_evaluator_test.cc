#include "evaluators/ranking_evaluator.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "evaluators/encoding.h"
#include "evaluators/evaluation_users.h"
#include "tests/evaluators/tiny_world.h"

namespace openp5::evaluators {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TinyWorld;
using ::testing::HasSubstr;

class RankingEvaluatorTest : public ::testing::Test {
 protected:
  absl::StatusOr<RankingResult> Evaluate(const EvaluationOptions& options) {
    Registry<MetricFunction> registry("metric");
    OPENP5_RETURN_IF_ERROR(RegisterBuiltinMetrics(&registry));
    OPENP5_ASSIGN_OR_RETURN(const auto metrics, ParseMetrics(registry, options.metrics));
    RankingEvaluator evaluator(*world_.model, *world_.tokenizer, c10::Device(c10::kCPU));
    return evaluator.Evaluate(*world_.dataset, world_.prompts, "sequential", metrics, options);
  }

  // Minus the mean loss of the item's tokens after the prompt: what the search must find.
  double Score(const std::string& input, int32_t item) {
    const c10::AutoGradMode no_gradients(false);
    const auto prompt = EncodeBatch(*world_.tokenizer, std::vector<std::string>{input}, 512,
                                    text::EndTokenRule::kEveryRow);
    const EncodedText label{world_.tokenizer->Encode(world_.dataset->writer().Candidate(item)), {}};
    const std::vector<const EncodedText*> prompts = {&prompt[0]}, labels = {&label};
    return -world_.model->TokenLosses({Pack(prompts), Pack(labels), {}}).mean().item<double>();
  }

  TinyWorld world_;
};

TEST_F(RankingEvaluatorTest, WithAsManyBeamsAsItemsScoresEveryItem) {
  const int64_t items = world_.dataset->dataset().item_count();
  OPENP5_ASSERT_OK_AND_ASSIGN(const RankingResult result, Evaluate({.beams = items}));
  const auto positions = EvaluationPositions(world_.dataset->dataset(), {});
  ASSERT_EQ(result.rankings.size(), positions.size());
  for (size_t user = 0; user < positions.size(); ++user) {
    const UserRanking& ranking = result.rankings[user];
    ASSERT_EQ(ranking.items.size(), static_cast<size_t>(items));
    EXPECT_TRUE(std::is_sorted(ranking.scores.rbegin(), ranking.scores.rend()));
    const std::string input = world_.Input(positions[user], "sequential");
    for (size_t rank = 0; rank < ranking.items.size(); ++rank) {
      EXPECT_NEAR(ranking.scores[rank], Score(input, ranking.items[rank]), 1e-4);
    }
  }
}

TEST_F(RankingEvaluatorTest, DoesNotDependOnTheBatch) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto one, Evaluate({.beams = 5, .eval_batch_size = 1}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto three, Evaluate({.beams = 5, .eval_batch_size = 3}));
  for (size_t user = 0; user < one.rankings.size(); ++user) {
    EXPECT_EQ(one.rankings[user].user, three.rankings[user].user);
    EXPECT_EQ(one.rankings[user].items, three.rankings[user].items);
  }
}

TEST_F(RankingEvaluatorTest, IsTheSameOnAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  for (const bool causal : {false, true}) {
    if (causal) world_.UseLlama(/*with_lora=*/true);
    at::set_num_threads(1);
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto one, Evaluate({.beams = 5, .eval_batch_size = 2}));
    for (const int count : {2, 3}) {
      at::set_num_threads(count);
      OPENP5_ASSERT_OK_AND_ASSIGN(const auto many, Evaluate({.beams = 5, .eval_batch_size = 2}));
      EXPECT_EQ(at::get_num_threads(), count);
      ASSERT_EQ(many.rankings.size(), one.rankings.size());
      for (size_t user = 0; user < one.rankings.size(); ++user) {
        EXPECT_EQ(many.rankings[user].items, one.rankings[user].items);
        EXPECT_EQ(many.rankings[user].scores, one.rankings[user].scores);
      }
    }
  }
  at::set_num_threads(threads);
}

TEST_F(RankingEvaluatorTest, FilteredListsHoldNoPastItem) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto result, Evaluate({.filtered = true, .beams = 12}));
  const auto positions = EvaluationPositions(world_.dataset->dataset(), {});
  for (size_t user = 0; user < positions.size(); ++user) {
    const auto past = PastItems(world_.dataset->dataset(), positions[user]);
    const UserRanking& ranking = result.rankings[user];
    EXPECT_EQ(ranking.items.size() + past.size(),
              static_cast<size_t>(world_.dataset->dataset().item_count()));
    for (const int32_t item : ranking.items) {
      EXPECT_FALSE(std::binary_search(past.begin(), past.end(), item));
    }
  }
}

TEST_F(RankingEvaluatorTest, FilteringAfterAWideSearchFindsTheSame) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto searched, Evaluate({.filtered = true, .beams = 12}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto removed, Evaluate({.filtered_batch = true, .beams = 12}));
  for (size_t user = 0; user < searched.rankings.size(); ++user) {
    EXPECT_EQ(searched.rankings[user].items, removed.rankings[user].items);
  }
  EXPECT_FALSE(removed.unfiltered_metrics.empty());
  EXPECT_EQ(removed.filter, "afterwards");
}

TEST_F(RankingEvaluatorTest, ListsAreAsLongAsTheLargestK) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto result, Evaluate({.metrics = {"hit@3"}, .users = 2}));
  ASSERT_EQ(result.rankings.size(), 2u);
  EXPECT_EQ(result.rankings[0].items.size(), 3u);
}

TEST_F(RankingEvaluatorTest, ExactRankingIsThatOfABeamForEveryItem) {
  const int64_t items = world_.dataset->dataset().item_count();
  for (const bool causal : {false, true}) {
    if (causal) world_.UseLlama(/*with_lora=*/true);
    for (const bool filtered : {false, true}) {
      OPENP5_ASSERT_OK_AND_ASSIGN(const auto searched,
                                  Evaluate({.filtered = filtered, .beams = items}));
      OPENP5_ASSERT_OK_AND_ASSIGN(const auto exact,
                                  Evaluate({.filtered = filtered, .beams = items, .exact = true}));
      for (size_t user = 0; user < searched.rankings.size(); ++user) {
        EXPECT_EQ(exact.rankings[user].items, searched.rankings[user].items);
        for (size_t i = 0; i < exact.rankings[user].scores.size(); ++i) {
          EXPECT_NEAR(exact.rankings[user].scores[i], searched.rankings[user].scores[i], 1e-5);
        }
      }
    }
  }
}

TEST_F(RankingEvaluatorTest, AShorterRecommendationIsTheBeginningOfALongerOne) {
  RankingEvaluator evaluator(*world_.model, *world_.tokenizer, c10::Device(c10::kCPU));
  const std::string input = world_.Input({.user = 0, .target = 5}, "sequential");
  for (const bool exact : {false, true}) {
    const EvaluationOptions options{.beams = 6, .exact = exact};
    OPENP5_ASSERT_OK_AND_ASSIGN(const UserRanking six,
                                evaluator.Recommend(*world_.dataset, input, {2}, 6, options));
    ASSERT_EQ(six.items.size(), 6u);
    for (const size_t k : {1, 2, 3, 5}) {
      OPENP5_ASSERT_OK_AND_ASSIGN(
          const UserRanking list,
          evaluator.Recommend(*world_.dataset, input, {2}, static_cast<int64_t>(k), options));
      EXPECT_EQ(list.items, std::vector<int32_t>(six.items.begin(),
                                                 six.items.begin() + static_cast<int64_t>(k)));
    }
  }
}

TEST_F(RankingEvaluatorTest, NamesBadOptions) {
  EXPECT_THAT(Evaluate({.prompt = "seen:99"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("seen:99")));
  EXPECT_THAT(Evaluate({.filtered = true, .filtered_batch = true}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--filtered-batch")));
}

TEST_F(RankingEvaluatorTest, RecommendsForOnePrompt) {
  RankingEvaluator evaluator(*world_.model, *world_.tokenizer, c10::Device(c10::kCPU));
  const std::string input = world_.Input({.user = 0, .target = 5}, "sequential");
  OPENP5_ASSERT_OK_AND_ASSIGN(const UserRanking all,
                              evaluator.Recommend(*world_.dataset, input, {}, 3, {}));
  ASSERT_EQ(all.items.size(), 3u);
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const UserRanking rest,
      evaluator.Recommend(*world_.dataset, input, {all.items.front()}, 3, {}));
  EXPECT_EQ(std::count(rest.items.begin(), rest.items.end(), all.items.front()), 0);
}

}  // namespace
}  // namespace openp5::evaluators

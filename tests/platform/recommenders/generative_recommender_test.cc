#include "platform/recommenders/generative_recommender.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "datasets/item_sets.h"
#include "evaluators/evaluate.h"
#include "platform/prompting/encoded_text.h"
#include "tests/testing/tiny_world.h"

namespace openp5::recommenders {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TinyWorld;
using ::testing::HasSubstr;

using evaluators::EvaluationOptions;
using evaluators::EvaluationPositions;
using evaluators::RankingResult;
using evaluators::UserRanking;
using prompting::EncodeBatch;
using prompting::EncodedText;
using prompting::Pack;

class GenerativeRecommenderTest : public ::testing::Test {
 protected:
  std::unique_ptr<GenerativeRecommender> Open() {
    auto opened = GenerativeRecommender::Create({.model = world_.model.get(),
                                                 .tokenizer = world_.tokenizer.get(),
                                                 .datasets = {world_.dataset.get()},
                                                 .prompts = &world_.prompts});
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  absl::StatusOr<RankingResult> Evaluate(const EvaluationOptions& options) {
    OPENP5_ASSIGN_OR_RETURN(const auto metrics, evaluators::ParseMetrics(options.metrics));
    return evaluators::Evaluate(*Open(), /*dataset=*/0, "sequential", metrics, options);
  }
  // The list of one question after the first five items of the first user.
  absl::StatusOr<Ranking> Recommend(std::vector<int32_t> excluded, int64_t k,
                                    const RankOptions& options) {
    const std::vector<Query> queries = {{.user = 0,
                                         .history = world_.dataset->dataset().Sequence(0).first(5),
                                         .excluded = std::move(excluded)}};
    OPENP5_ASSIGN_OR_RETURN(auto rankings, Open()->Rank(queries, k, options));
    return std::move(rankings.front());
  }
  // The items of the user before the target.
  std::vector<int32_t> PastItems(const datasets::SequenceDataset& dataset,
                                 const datasets::Position& position) {
    return datasets::DistinctItems(
        dataset.Sequence(position.user).first(static_cast<size_t>(position.target)));
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

TEST_F(GenerativeRecommenderTest, WithAsManyBeamsAsItemsScoresEveryItem) {
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

TEST_F(GenerativeRecommenderTest, DoesNotDependOnTheBatch) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto one, Evaluate({.beams = 5, .eval_batch_size = 1}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto three, Evaluate({.beams = 5, .eval_batch_size = 3}));
  for (size_t user = 0; user < one.rankings.size(); ++user) {
    EXPECT_EQ(one.rankings[user].user, three.rankings[user].user);
    EXPECT_EQ(one.rankings[user].items, three.rankings[user].items);
  }
}

TEST_F(GenerativeRecommenderTest, IsTheSameOnAnyNumberOfThreads) {
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

TEST_F(GenerativeRecommenderTest, FilteredListsHoldNoPastItem) {
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

TEST_F(GenerativeRecommenderTest, FilteringAfterAWideSearchFindsTheSame) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto searched, Evaluate({.filtered = true, .beams = 12}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto removed, Evaluate({.filtered_batch = true, .beams = 12}));
  for (size_t user = 0; user < searched.rankings.size(); ++user) {
    EXPECT_EQ(searched.rankings[user].items, removed.rankings[user].items);
  }
  EXPECT_FALSE(removed.unfiltered_metrics.empty());
  EXPECT_EQ(removed.filter, "afterwards");
}

TEST_F(GenerativeRecommenderTest, ListsAreAsLongAsTheLargestK) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto result, Evaluate({.metrics = {"hit@3"}, .users = 2}));
  ASSERT_EQ(result.rankings.size(), 2u);
  EXPECT_EQ(result.rankings[0].items.size(), 3u);
}

TEST_F(GenerativeRecommenderTest, ExactRankingIsThatOfABeamForEveryItem) {
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

TEST_F(GenerativeRecommenderTest, AShorterRecommendationIsTheBeginningOfALongerOne) {
  for (const bool exact : {false, true}) {
    const RankOptions options{.beams = 6, .exact = exact};
    OPENP5_ASSERT_OK_AND_ASSIGN(const Ranking six, Recommend({2}, 6, options));
    ASSERT_EQ(six.items.size(), 6u);
    for (const size_t k : {1, 2, 3, 5}) {
      OPENP5_ASSERT_OK_AND_ASSIGN(const Ranking list,
                                  Recommend({2}, static_cast<int64_t>(k), options));
      EXPECT_EQ(list.items, std::vector<int32_t>(six.items.begin(),
                                                 six.items.begin() + static_cast<int64_t>(k)));
    }
  }
}

TEST_F(GenerativeRecommenderTest, NamesBadOptions) {
  EXPECT_THAT(Evaluate({.prompt = "seen:99"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("seen:99")));
  EXPECT_THAT(Evaluate({.filtered = true, .filtered_batch = true}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--filtered-batch")));
}

TEST_F(GenerativeRecommenderTest, RecommendsForOnePrompt) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const Ranking all, Recommend({}, 3, {}));
  ASSERT_EQ(all.items.size(), 3u);
  OPENP5_ASSERT_OK_AND_ASSIGN(const Ranking rest, Recommend({all.items.front()}, 3, {}));
  EXPECT_EQ(std::count(rest.items.begin(), rest.items.end(), all.items.front()), 0);
}

// Every question alone has the list it has among others.
TEST_F(GenerativeRecommenderTest, QuestionsAreAnsweredAsInAnEvaluation) {
  for (const bool causal : {false, true}) {
    if (causal) world_.UseLlama(/*with_lora=*/false);
    OPENP5_ASSERT_OK_AND_ASSIGN(const RankingResult together, Evaluate({.filtered = true}));
    const auto recommender = Open();
    for (const UserRanking& expected : together.rankings) {
      const auto sequence = world_.dataset->dataset().Sequence(expected.user);
      const Query query{.user = expected.user,
                        .history = sequence.first(sequence.size() - 1),
                        .excluded = datasets::DistinctItems(sequence.first(sequence.size() - 1))};
      OPENP5_ASSERT_OK_AND_ASSIGN(const auto alone, recommender->Rank(std::span(&query, 1), 10,
                                                                      {.filter = Filter::kSearch}));
      EXPECT_EQ(alone.front().items, expected.items);
    }
  }
}

}  // namespace
}  // namespace openp5::recommenders

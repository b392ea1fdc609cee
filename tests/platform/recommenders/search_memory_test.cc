#include "platform/recommenders/search_memory.h"

#include <ATen/ATen.h>

#include "evaluators/evaluate.h"
#include "indexing/token_trie.h"
#include "platform/decoding/beam_search.h"
#include "platform/recommenders/generative_recommender.h"
#include "platform/tensor/allocation_meter.h"
#include "tests/testing/tiny_world.h"

namespace openp5::recommenders {
namespace {

using ::openp5::testing::TinyWorld;

models::PackedBatch Prompts(int64_t users, int64_t length) {
  return {.tokens = at::full({users * length}, 5, at::kLong),
          .whole_words = {},
          .lengths = std::vector<int64_t>(static_cast<size_t>(users), length)};
}

TEST(MeasureSearchTest, EveryPartTakesSomething) {
  for (const bool causal : {false, true}) {
    TinyWorld world;
    if (causal) world.UseLlama(/*with_lora=*/false);
    const auto cost = MeasureSearch(*world.model, Prompts(1, 20));
    ASSERT_TRUE(cost.ok());
    EXPECT_GT(cost->reading, cost->prompt);
    EXPECT_GT(cost->prompt, 0);
    EXPECT_GT(cost->step, cost->token);
    EXPECT_GT(cost->token, 0);
    const auto longer = MeasureSearch(*world.model, Prompts(1, 40));
    ASSERT_TRUE(longer.ok());
    EXPECT_GT(longer->prompt, cost->prompt * 3 / 2);
  }
}

TEST(SearchBytesTest, AddsThePartsUp) {
  const SearchCost cost{.reading = 1000, .prompt = 100, .step = 20, .token = 3};
  // 2 * 100 of the prompts, 10 * 4 * 3 of their continuations and 10 rows of 8 scores.
  const SearchSize size{.users = 2, .beams = 5, .length = 4, .vocabulary = 8};
  SearchCost cheap_to_read = cost;
  cheap_to_read.reading = 0;
  EXPECT_EQ(SearchBytes(cheap_to_read, size), AllocatorBytes(200 + 120 + 320));
  EXPECT_EQ(SearchBytes(cost, size), AllocatorBytes(2000));
  // No more than 256 rows of scores are held at once.
  SearchSize wide = size;
  wide.beams = 500;
  EXPECT_EQ(SearchBytes(cheap_to_read, wide), AllocatorBytes(200 + 12000 + 20000));
  wide.vocabulary = 100;
  EXPECT_EQ(SearchBytes(cheap_to_read, wide), AllocatorBytes(200 + 12000 + 256 * 400));
}

// What is concluded from two tokens of one user is close to what a search of many takes.
TEST(SearchBytesTest, IsCloseToASearch) {
  for (const bool causal : {false, true}) {
    TinyWorld world;
    if (causal) world.UseLlama(/*with_lora=*/false);
    const auto& users = world.dataset->dataset();
    std::vector<std::vector<int32_t>> identifiers;
    for (int32_t item = 0; item < users.item_count(); ++item) {
      identifiers.push_back({5 + item / 4, 9 + item % 4, 1});
    }
    const auto trie = indexing::TokenTrie::Create({identifiers.begin(), identifiers.end()});
    ASSERT_TRUE(trie.ok());
    const auto cost = MeasureSearch(*world.model, Prompts(1, 40));
    ASSERT_TRUE(cost.ok());
    AllocationMeter meter;
    ASSERT_TRUE(decoding::BeamSearch(*world.model, Prompts(16, 40), *trie, {}, {.beams = 4}).ok());
    const auto searched = static_cast<double>(AllocatorBytes(meter.TakePeak()));
    const auto concluded =
        static_cast<double>(SearchBytes(*cost, {.users = 16,
                                                .beams = 4,
                                                .length = trie->depth() + 1,
                                                .vocabulary = world.model->vocabulary_size()}));
    EXPECT_GT(concluded, 0.8 * searched);
    EXPECT_LT(concluded, 1.25 * searched);
  }
}

TEST(EvaluationMemoryTest, GrowsWithBatchAndBeams) {
  TinyWorld world;
  const auto recommender = GenerativeRecommender::Create({.model = world.model.get(),
                                                          .tokenizer = world.tokenizer.get(),
                                                          .datasets = {world.dataset.get()},
                                                          .prompts = &world.prompts});
  ASSERT_TRUE(recommender.ok());
  const auto memory = [&](const evaluators::EvaluationOptions& options) {
    return evaluators::EvaluationMemory(**recommender, /*dataset=*/0, "sequential", 5, options);
  };
  const int64_t one = memory({.eval_batch_size = 1, .users = 1}).value_or(0);
  EXPECT_GT(one, 0);
  EXPECT_GT(memory({.eval_batch_size = 8}).value_or(0), 4 * one);
  EXPECT_GT(memory({.beams = 50, .eval_batch_size = 1, .users = 1}).value_or(0), one);
  EXPECT_EQ(memory({.prompt = "seen:99"}).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace openp5::recommenders

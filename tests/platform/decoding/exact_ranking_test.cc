#include "platform/decoding/exact_ranking.h"

#include <torch/types.h>

#include <algorithm>
#include <set>

#include "indexing/token_trie.h"
#include "platform/base/random.h"
#include "platform/decoding/beam_search.h"
#include "platform/models/llama/llama.h"
#include "platform/models/t5/t5.h"
#include "tests/testing/testing.h"

namespace openp5::decoding {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;
using Sequences = std::vector<std::vector<int32_t>>;

std::unique_ptr<models::LanguageModel> MakeModel(bool causal, uint64_t seed) {
  if (causal) {
    return models::LlamaModel::Create({.vocab_size = 24,
                                       .hidden_size = 12,
                                       .intermediate_size = 20,
                                       .num_hidden_layers = 2,
                                       .num_attention_heads = 4,
                                       .num_key_value_heads = 2,
                                       .head_dim = 4,
                                       .initializer_range = 0.4},
                                      seed);
  }
  models::T5Config config;
  config.vocab_size = 24;
  config.d_model = 12;
  config.d_kv = 3;
  config.d_ff = 16;
  config.num_heads = 2;
  config.num_layers = config.num_decoder_layers = 1;
  return models::T5Model::Create(config, seed);
}

models::PackedBatch RandomPrompts(Random& random, size_t count) {
  models::PackedBatch batch;
  std::vector<int64_t> tokens;
  for (size_t i = 0; i < count; ++i) {
    batch.lengths.push_back(static_cast<int64_t>(1 + random.Below(6)));
    for (int64_t t = 0; t < batch.lengths.back(); ++t) {
      tokens.push_back(static_cast<int64_t>(2 + random.Below(20)));
    }
  }
  batch.tokens = torch::tensor(tokens, at::kLong);
  return batch;
}

// Distinct identifiers of 1 to 5 tokens and an end token; some begin others but for their end.
Sequences RandomSequences(Random& random, size_t wanted) {
  std::set<std::vector<int32_t>> distinct;
  while (distinct.size() < wanted) {
    std::vector<int32_t> sequence;
    for (size_t i = 1 + random.Below(5); i > 0; --i) {
      sequence.push_back(static_cast<int32_t>(2 + random.Below(6)));
    }
    sequence.push_back(1);
    distinct.insert(sequence);
  }
  return {distinct.begin(), distinct.end()};
}

std::vector<std::vector<int32_t>> RandomExcluded(Random& random, size_t users, size_t items) {
  std::vector<std::vector<int32_t>> excluded(users);
  for (auto& some : excluded) {
    for (size_t i = random.Below(items + 1); i > 0; --i) {
      some.push_back(static_cast<int32_t>(random.Below(items)));
    }
  }
  return excluded;
}

// The right order may differ where two scores are equal but for rounding.
void ExpectSame(const std::vector<RankedItem>& got, const std::vector<Hypothesis>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  std::set<int32_t> items;
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i].score, expected[i].score, 1e-5);
    items.insert(got[i].item);
    if (i > 0) {
      EXPECT_LE(got[i].score, got[i - 1].score);
    }
    const auto other = std::find_if(expected.begin(), expected.end(),
                                    [&](const auto& one) { return one.item == got[i].item; });
    ASSERT_NE(other, expected.end());
    EXPECT_NEAR(got[i].score, other->score, 1e-5);
  }
  EXPECT_EQ(items.size(), got.size());
}

// A search with a beam for every item is exact (BeamSearchTest compares it with plain sums).
TEST(ExactRankingTest, EqualsASearchWithABeamForEveryItem) {
  Random random(3);
  for (uint64_t round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const auto model = MakeModel(round % 2 == 1, round);
    const size_t users = 1 + random.Below(3), items = 1 + random.Below(60);
    const Sequences sequences = RandomSequences(random, items);
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
    const models::PackedBatch prompts = RandomPrompts(random, users);
    const auto excluded = RandomExcluded(random, users, items);
    const bool over_allowed = random.Below(2) == 1;
    const auto added = static_cast<int64_t>(random.Below(5));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto expected,
                                BeamSearch(*model, prompts, trie, excluded,
                                           {.beams = static_cast<int64_t>(items),
                                            .max_length = 20,
                                            .added_score_length = added,
                                            .normalize_over_allowed = over_allowed}));
    for (const int64_t rows : {1, 7, 512}) {
      OPENP5_ASSERT_OK_AND_ASSIGN(const auto ranked,
                                  RankAllItems(*model, prompts, trie, excluded,
                                               {.count = static_cast<int64_t>(items),
                                                .added_score_length = added,
                                                .normalize_over_allowed = over_allowed,
                                                .max_rows = rows}));
      ASSERT_EQ(ranked.size(), users);
      for (size_t user = 0; user < users; ++user) ExpectSame(ranked[user], expected[user]);
    }
  }
}

TEST(ExactRankingTest, ShorterListsAreBeginningsOfLongerOnes) {
  Random random(4);
  const auto model = MakeModel(/*causal=*/false, 1);
  const Sequences sequences = RandomSequences(random, 3000);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
  const models::PackedBatch prompts = RandomPrompts(random, 2);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto all,
                              RankAllItems(*model, prompts, trie, {}, {.count = 3000}));
  for (const int64_t count : {1, 10, 1500}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto some,
                                RankAllItems(*model, prompts, trie, {}, {.count = count}));
    for (size_t user = 0; user < 2; ++user) {
      ASSERT_EQ(all[user].size(), 3000u);
      ASSERT_EQ(some[user].size(), static_cast<size_t>(count));
      for (size_t i = 0; i < some[user].size(); ++i) {
        EXPECT_EQ(some[user][i].item, all[user][i].item);
        EXPECT_EQ(some[user][i].score, all[user][i].score);
      }
    }
  }
}

TEST(ExactRankingTest, RefusesSenselessOptions) {
  Random random(5);
  const auto model = MakeModel(/*causal=*/false, 2);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(Sequences{{2, 1}}));
  const models::PackedBatch prompts = RandomPrompts(random, 1);
  EXPECT_THAT(RankAllItems(*model, prompts, trie, {}, {.count = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least 1")));
  const std::vector<std::vector<int32_t>> two(2);
  EXPECT_THAT(RankAllItems(*model, prompts, trie, two, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 prompts, got 2")));
}

}  // namespace
}  // namespace openp5::decoding

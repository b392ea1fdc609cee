#include "trainers/collator.h"

#include <ATen/ops/sort.h>
#include <c10/core/GradMode.h>

#include "platform/prompting/causal_encoder.h"
#include "platform/prompting/prompt_encoder.h"
#include "tests/testing/tiny_world.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::TinyWorld;

class CollatorTest : public ::testing::Test {
 protected:
  models::TrainingBatch Make(const prompting::PromptEncoderOptions& options) {
    return CollateSeq2Seq({.encoder = *Encoder(/*is_causal=*/false, options)},
                          {{"toy user", "toy item_1001"}, {"toy user toy user toy user", "toy"}});
  }
  std::unique_ptr<prompting::PromptEncoder> Encoder(
      bool is_causal, const prompting::PromptEncoderOptions& options) {
    return *prompting::MakePromptEncoder(is_causal, *world_.tokenizer, options);
  }
  std::vector<int64_t> Values(const at::Tensor& tensor) {
    const int64_t* data = tensor.const_data_ptr<int64_t>();
    return {data, data + tensor.numel()};
  }
  TinyWorld world_;
};

TEST_F(CollatorTest, PacksLongestInputFirst) {
  const models::TrainingBatch batch = Make({});
  ASSERT_EQ(batch.input.lengths.size(), 2u);
  EXPECT_GT(batch.input.lengths[0], batch.input.lengths[1]);
  EXPECT_EQ(batch.input.tokens.size(0), batch.input.lengths[0] + batch.input.lengths[1]);
  // Labels follow their inputs.
  EXPECT_EQ(batch.labels.lengths[0], static_cast<int64_t>(world_.tokenizer->Encode("toy").size()));
  EXPECT_FALSE(batch.labels.whole_words.defined());
}

TEST_F(CollatorTest, EndTokensBelongToNoWord) {
  const models::TrainingBatch batch = Make({});
  const auto words = Values(batch.input.whole_words);
  EXPECT_EQ(words[static_cast<size_t>(batch.input.lengths[0]) - 1], 0);
  EXPECT_EQ(words.back(), 0);
}

TEST_F(CollatorTest, CompatKeepsTheLastWordAtShorterRowsEnds) {
  const models::TrainingBatch batch = Make({.openp5_compat = true});
  const auto words = Values(batch.input.whole_words);
  EXPECT_EQ(words[static_cast<size_t>(batch.input.lengths[0]) - 1], 0);
  EXPECT_EQ(words.back(), 2);
}

TEST_F(CollatorTest, CutsLongTextsButKeepsTheEnd) {
  const models::TrainingBatch batch = Make({.max_tokens = 3});
  EXPECT_EQ(batch.input.lengths, (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(Values(batch.input.tokens)[2], world_.tokenizer->eos_id());
}

TEST_F(CollatorTest, CausalLabelsAreTheResponse) {
  const auto encoder = prompting::CausalEncoder::Create(*world_.tokenizer, {});
  OPENP5_ASSERT_OK(encoder);
  const models::TrainingBatch batch =
      CollateCausal({.encoder = *Encoder(/*is_causal=*/true, {})},
                    {{"toy user", "toy"}, {"toy user toy user", "toy item_1001"}});
  const auto response = encoder->Response("toy item_1001");
  ASSERT_EQ(batch.labels.lengths[0], static_cast<int64_t>(response.size()));
  const auto tokens = Values(batch.input.tokens), labels = Values(batch.labels.tokens),
             positions = Values(batch.label_positions);
  // The longer sample comes first; every label but the end token is the token behind its position.
  EXPECT_GT(batch.input.lengths[0], batch.input.lengths[1]);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != world_.tokenizer->eos_id()) {
      EXPECT_EQ(tokens[static_cast<size_t>(positions[i]) + 1], labels[i]);
    }
    if (i < response.size()) {
      EXPECT_EQ(labels[i], response[i]);
    }
  }
  EXPECT_TRUE(batch.input.branches.empty());
  EXPECT_EQ(positions[0] + 1, static_cast<int64_t>(encoder->Prompt("toy user toy user").size()));
}

// Losses of each label in any order, of runs as one sequence each and of their samples alone.
std::vector<float> SortedLosses(models::LanguageModel& model, const models::TrainingBatch& batch) {
  const c10::AutoGradMode no_gradients(false);
  const at::Tensor losses = std::get<0>(model.TokenLosses(batch).sort());
  const float* data = losses.const_data_ptr<float>();
  return {data, data + losses.numel()};
}

// Whatever samples share: histories that go on, nothing, all but the target, or all; cut ones, too.
TEST_F(CollatorTest, RunsHaveTheLossesOfTheirSamples) {
  world_.UseLlama(/*with_lora=*/false);
  const std::vector<std::vector<datasets::Sample>> runs = {
      {{"user : item_1001 .", "toy item_1002"},
       {"user : item_1001 , item_1002 .", "toy item_1003"},
       {"user : item_1001 , item_1002 , item_1003 .", "toy item_1001"}},
      {{"toy item_1001", "toy item_1009"}, {"user item", "toy"}},
      {{"user", "toy item_1001"}, {"user", "toy item_1002"}, {"user", "toy item_1001"}},
      {{"toy", "item"}}};
  std::vector<datasets::Sample> samples;
  for (const auto& run : runs) samples.insert(samples.end(), run.begin(), run.end());
  using prompting::PromptEncoderOptions;
  for (const PromptEncoderOptions& options :
       {PromptEncoderOptions{}, PromptEncoderOptions{.max_tokens = 9},
        PromptEncoderOptions{.openp5_compat = true}}) {
    const auto encoder = Encoder(/*is_causal=*/true, options);
    const auto together = CollateCausalRuns({.encoder = *encoder}, runs);
    const auto apart = CollateCausal({.encoder = *encoder}, samples);
    EXPECT_EQ(together.input.lengths.size(), runs.size());
    EXPECT_EQ(together.labels.lengths.size(), samples.size());
    EXPECT_LT(together.input.tokens.size(0), apart.input.tokens.size(0));
    const auto got = SortedLosses(*world_.model, together),
               expected = SortedLosses(*world_.model, apart);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 2e-6) << i;
  }
}

// The tree of three answers: after the first token there are two ways, then one.
class CountedLabelsTest : public ::testing::Test {
 protected:
  const indexing::TokenTrie tree_ = *indexing::TokenTrie::Create(
      std::vector<std::vector<int32_t>>{{5, 7, 8, 1}, {5, 7, 9, 1}, {5, 6, 8, 1}});
};

TEST_F(CountedLabelsTest, OnlyWhereTheTreeLeavesAChoice) {
  EXPECT_EQ(CountedLabels({5, 7, 8, 1}, &tree_), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(CountedLabels({5, 6, 8, 1}, &tree_), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(CountedLabels({5, 7, 8, 1}, nullptr), std::vector<bool>(4, true));
}

TEST_F(CountedLabelsTest, WhatTheTreeDoesNotHaveCounts) {
  EXPECT_EQ(CountedLabels({5, 4, 3}, &tree_), (std::vector<bool>{false, true, true}));
}

TEST_F(CountedLabelsTest, AnAnswerWithoutAChoiceHasItsLast) {
  const auto one = indexing::TokenTrie::Create(std::vector<std::vector<int32_t>>{{5, 7, 1}});
  OPENP5_ASSERT_OK(one);
  EXPECT_EQ(CountedLabels({5, 7, 1}, &*one), (std::vector<bool>{false, false, true}));
  EXPECT_TRUE(CountedLabels({}, &*one).empty());
}

// Labels that do not count change nothing of the others' losses; what follows the last is not read.
TEST_F(CollatorTest, LossesOfChoicesAreThoseOfAllLabelsThere) {
  const std::vector<datasets::Sample> samples = {{"user : item_1001 .", "toy item_1002"},
                                                 {"user .", "toy item_1003"}};
  for (const bool causal : {false, true}) {
    SCOPED_TRACE(causal);
    if (causal) world_.UseLlama(/*with_lora=*/false);
    const auto encoder = Encoder(causal, {});
    std::vector<std::vector<int32_t>> candidates;
    for (const char* text : {"toy item_1001", "toy item_1002", "toy item_1003"}) {
      candidates.push_back(encoder->Candidate(text));
    }
    const auto tree = indexing::TokenTrie::Create(candidates);
    OPENP5_ASSERT_OK(tree);
    const auto collate = causal ? CollateCausal : CollateSeq2Seq;
    const auto all = collate({.encoder = *encoder}, samples),
               some = collate({.encoder = *encoder, .choices = &*tree}, samples);
    const c10::AutoGradMode no_gradients(false);
    const at::Tensor of_all = world_.model->TokenLosses(all),
                     of_some = world_.model->TokenLosses(some);
    std::vector<int64_t> places;
    int64_t place = 0;
    for (const datasets::Sample& sample : samples) {
      for (const bool counts : CountedLabels(encoder->Candidate(sample.output), &*tree)) {
        if (counts) places.push_back(place);
        ++place;
      }
    }
    ASSERT_LT(places.size(), static_cast<size_t>(place));
    ASSERT_EQ(of_all.size(0), place);
    EXPECT_TRUE(at::allclose(of_some, of_all.index_select(0, torch::tensor(places)), 1e-5, 1e-6));
    EXPECT_EQ(std::accumulate(some.loss_lengths().begin(), some.loss_lengths().end(), int64_t{0}),
              static_cast<int64_t>(places.size()));
    if (causal) EXPECT_LT(some.input.tokens.size(0), all.input.tokens.size(0));
  }
}

// With no mark and no dataset's name, the answer is the history's next item: one token a target.
TEST_F(CollatorTest, WithoutMarkRunsShareEverything) {
  world_.UseLlama(/*with_lora=*/false);
  const auto encoder = Encoder(/*is_causal=*/true, {.response_mark = ""});
  std::vector<datasets::Sample> run;
  std::string history = "item_1001";
  for (const char* target : {"item_1002", "item_1003", "item_1004"}) {
    run.push_back({history, target});
    history += StrCat(" ", target);
  }
  const auto together = CollateCausalRuns({.encoder = *encoder}, {run});
  EXPECT_TRUE(together.input.branches.empty());
  EXPECT_EQ(together.input.tokens.size(0),
            static_cast<int64_t>(encoder->Prompts(std::vector{history}).front().tokens.size()));
}

}  // namespace
}  // namespace openp5::trainers

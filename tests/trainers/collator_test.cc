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
    return CollateSeq2Seq(*Encoder(/*is_causal=*/false, options),
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
      CollateCausal(*Encoder(/*is_causal=*/true, {}),
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
    const auto together = CollateCausalRuns(*encoder, runs);
    const auto apart = CollateCausal(*encoder, samples);
    EXPECT_EQ(together.input.lengths.size(), runs.size());
    EXPECT_EQ(together.labels.lengths.size(), samples.size());
    EXPECT_LT(together.input.tokens.size(0), apart.input.tokens.size(0));
    const auto got = SortedLosses(*world_.model, together),
               expected = SortedLosses(*world_.model, apart);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 2e-6) << i;
  }
}

}  // namespace
}  // namespace openp5::trainers

#include "platform/models/common/cut_batch.h"

#include <torch/types.h>

#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> Numbers(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  return {dense.const_data_ptr<int64_t>(), dense.const_data_ptr<int64_t>() + dense.numel()};
}

TEST(CutBatchTest, PartsHaveAboutAsManyTokens) {
  TrainingBatch batch{
      .input = {torch::arange(10), torch::arange(10) * 2, {4, 2, 2, 1, 1}},
      .labels = {torch::arange(7), {}, {1, 2, 1, 1, 2}},
      .label_positions = {},
      .label_smoothing = 0.5,
      .negatives = torch::tensor({3, 1}, torch::kLong),
  };
  const auto parts = CutBatch(batch, 2);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_THAT(Numbers(parts[0].input.tokens), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(parts[0].input.lengths, ElementsAre(4, 2));
  EXPECT_THAT(parts[0].labels.lengths, ElementsAre(1, 2));
  EXPECT_THAT(Numbers(parts[1].input.tokens), ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(Numbers(parts[1].input.whole_words), ElementsAre(12, 14, 16, 18));
  EXPECT_THAT(Numbers(parts[1].labels.tokens), ElementsAre(3, 4, 5, 6));
  for (const TrainingBatch& part : parts) {
    EXPECT_EQ(part.label_smoothing, 0.5);
    EXPECT_THAT(Numbers(part.negatives), ElementsAre(3, 1));
    EXPECT_FALSE(part.label_positions.defined());
  }
}

// Labels go with the sequence that their position is in, whose own token it then counts from.
TEST(CutBatchTest, LabelsAndBranchesGoWithTheirSequence) {
  TrainingBatch batch{
      .input = {torch::arange(9), {}, {4, 3, 2}, {{{.begin = 2, .after = 1}}, {}, {}}},
      .labels = {torch::arange(5), {}, {2, 1, 1, 1}},
      .label_positions = torch::tensor({1, 3, 0, 6, 8}, torch::kLong),
  };
  const auto parts = CutBatch(batch, 3);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_THAT(parts[0].labels.lengths, ElementsAre(2, 1));
  EXPECT_THAT(Numbers(parts[0].label_positions), ElementsAre(1, 3, 0));
  ASSERT_EQ(parts[0].input.branches.size(), 1u);
  EXPECT_EQ(parts[0].input.branches[0].size(), 1u);
  EXPECT_THAT(Numbers(parts[1].labels.tokens), ElementsAre(3));
  EXPECT_THAT(Numbers(parts[1].label_positions), ElementsAre(2));
  EXPECT_THAT(Numbers(parts[2].label_positions), ElementsAre(1));
}

// Of an encoder-decoder, whose labels do not all count.
TEST(CutBatchTest, LabelsThatCountGoWithTheirExample) {
  const TrainingBatch batch{
      .input = {torch::arange(6), {}, {3, 2, 1}},
      .labels = {torch::arange(7), {}, {2, 3, 2}},
      .label_positions = torch::tensor({1, 2, 4, 6}, torch::kLong),
      .counted_lengths = {1, 2, 1},
  };
  const auto parts = CutBatch(batch, 2);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_THAT(parts[0].counted_lengths, ElementsAre(1));
  EXPECT_THAT(Numbers(parts[0].label_positions), ElementsAre(1));
  EXPECT_THAT(parts[1].counted_lengths, ElementsAre(2, 1));
  EXPECT_THAT(Numbers(parts[1].labels.tokens), ElementsAre(2, 3, 4, 5, 6));
  EXPECT_THAT(Numbers(parts[1].label_positions), ElementsAre(0, 2, 4));
}

// A sequence that is longer than all others together leaves one for each part behind it.
TEST(CutBatchTest, EveryPartHasASequence) {
  const TrainingBatch batch{.input = {torch::arange(23), {}, {20, 1, 1, 1}},
                            .labels = {torch::arange(4), {}, {1, 1, 1, 1}},
                            .label_positions = {}};
  for (size_t count = 1; count <= 4; ++count) {
    const auto parts = CutBatch(batch, count);
    ASSERT_EQ(parts.size(), count);
    int64_t tokens = 0;
    for (const TrainingBatch& part : parts) {
      EXPECT_FALSE(part.input.lengths.empty());
      tokens += part.input.tokens.size(0);
    }
    EXPECT_EQ(tokens, 23);
  }
}

}  // namespace
}  // namespace openp5::models

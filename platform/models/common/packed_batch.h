#ifndef OPENP5_PLATFORM_MODELS_COMMON_PACKED_BATCH_H_
#define OPENP5_PLATFORM_MODELS_COMMON_PACKED_BATCH_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace openp5::models {

// Where a sequence does not go on from the token before, but from an earlier one: texts with a
// common beginning are one sequence, in which the beginning, the trunk, is computed once and each
// text's own rest is a branch. A branch reaches to the next one's begin or to the sequence's end;
// its tokens follow, in position and in what they see, the first `after` tokens of the trunk.
struct Branch {
  int64_t begin = 0;  // ascending, > 0: its first token in the sequence
  int64_t after = 0;  // <= the trunk's length, which is the first branch's begin
};

// Calls `visit(stretch, end)` for the trunk, as a branch {0, 0}, and for every branch.
template <class Visit>
void ForEachStretch(int64_t length, std::span<const Branch> branches, const Visit& visit) {
  Branch stretch;
  for (const Branch& next : branches) {
    visit(stretch, next.begin);
    stretch = next;
  }
  visit(stretch, length);
}

// Token sequences of a batch one after another, without padding. Any order; sequences of near-equal
// length next to each other are computed fastest.
struct PackedBatch {
  at::Tensor tokens;             // [total] int64
  at::Tensor whole_words;        // [total] int64, index of the word a token is in; undefined: zeros
  std::vector<int64_t> lengths;  // [batch], each > 0, sum = total
  std::vector<std::vector<Branch>> branches = {};  // [batch], or empty: none; for causal models
};

// What a model learns from. An encoder-decoder reads `input` and generates `labels` (with their end
// token), of which those at `label_positions` count, or all of them. A causal model reads `input`,
// prompt and response in one, and is to say label i after position `label_positions[i]`; its labels
// are those that count.
struct TrainingBatch {
  PackedBatch input;
  PackedBatch labels;  // of the examples in the same order
  // int64; of a causal model [total labels], into input.tokens; of an encoder-decoder [labels that
  // count], into labels.tokens, or undefined if all count.
  at::Tensor label_positions;
  // How many labels of each example count; empty: all.
  std::vector<int64_t> counted_lengths = {};
  // Share of every label that is spread evenly over all tokens (Szegedy et al., 2016, section 7).
  double label_smoothing = 0;
  // The classes beside the label that a sampled loss is over, [n] int64; undefined: all.
  at::Tensor negatives = {};

  // [examples], each > 0.
  const std::vector<int64_t>& loss_lengths() const {
    return counted_lengths.empty() ? labels.lengths : counted_lengths;
  }
};

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_PACKED_BATCH_H_

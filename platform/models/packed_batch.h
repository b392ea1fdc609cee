#ifndef OPENP5_PLATFORM_MODELS_PACKED_BATCH_H_
#define OPENP5_PLATFORM_MODELS_PACKED_BATCH_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace openp5::models {

// Token sequences of a batch one after another, without padding. Any order; sequences of near-equal
// length next to each other are computed fastest.
struct PackedBatch {
  at::Tensor tokens;             // [total] int64
  at::Tensor whole_words;        // [total] int64, index of the word a token is in; undefined: zeros
  std::vector<int64_t> lengths;  // [batch], each > 0, sum = total
};

// What a model learns from. An encoder-decoder reads `input` and generates `labels` (with their end
// token). A causal model reads `input`, prompt and response in one, and is to say label i after
// position `label_positions[i]`.
struct TrainingBatch {
  PackedBatch input;
  PackedBatch labels;          // of the examples in the same order
  at::Tensor label_positions;  // [total labels] int64, into input.tokens; undefined: none
};

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_PACKED_BATCH_H_

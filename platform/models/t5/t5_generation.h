#ifndef OPENP5_PLATFORM_MODELS_T5_T5_GENERATION_H_
#define OPENP5_PLATFORM_MODELS_T5_T5_GENERATION_H_

#include <memory>
#include <vector>

#include "platform/models/common/generation.h"
#include "platform/models/t5/t5_weights.h"

namespace openp5::models {

// Decoding state over `encoded` [total, d_model], prompts one after another. Cross-attention keys
// and values are kept once a user; self-attention's once a continuation. `model` must outlive it.
std::unique_ptr<GenerationState> MakeT5Generation(const T5Model& model, const T5Weights& weights,
                                                  const at::Tensor& encoded,
                                                  const std::vector<int64_t>& lengths,
                                                  c10::ScalarType compute_type);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_T5_T5_GENERATION_H_

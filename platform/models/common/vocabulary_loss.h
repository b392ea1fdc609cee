#ifndef OPENP5_PLATFORM_MODELS_COMMON_VOCABULARY_LOSS_H_
#define OPENP5_PLATFORM_MODELS_COMMON_VOCABULARY_LOSS_H_

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <cstdint>

namespace openp5::models {

struct VocabularyLossOptions {
  double smoothing = 0;  // share of a label that is spread evenly over the vocabulary
  c10::ScalarType compute_type = c10::ScalarType::Float;  // of the products, as for Linear
  // The most scores that are there all together: so few are faster at once.
  int64_t most_at_once = int64_t{1} << 20;
};

// Cross entropy of the scores `x` `weight`ᵀ with `labels`: `x` [n, d] float32, `weight`
// [vocabulary, d], `labels` [n] int64, result [n] float32. Differentiable in both. More scores on a
// CPU are never there all together: they are computed block by block of the vocabulary, and a
// second time in backward (as Wijmans et al., 2025, "Cut your losses in large-vocabulary language
// models", do on a GPU). Memory beside the gradients: that of a block, some 2 MiB.
at::Tensor VocabularyLosses(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& labels,
                            const VocabularyLossOptions& options);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_VOCABULARY_LOSS_H_

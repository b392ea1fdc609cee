#ifndef OPENP5_PLATFORM_MODELS_COMMON_LAYERS_H_
#define OPENP5_PLATFORM_MODELS_COMMON_LAYERS_H_

#include <ATen/core/Tensor.h>

#include "platform/models/common/int8.h"

namespace openp5::models {

// x / sqrt(mean(x²) + epsilon) * weight over the last dimension, float32 (T5's layer norm: no mean,
// no bias). `x` [n, d], `weight` [d]. Differentiable.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon);

// x wᵀ: `x` [n, in], `weight` [out, in], result [n, out] float32. Computed in `compute_type`
// (Float or BFloat16), whatever the type of `weight`. Differentiable.
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, c10::ScalarType compute_type);

// What the inputs of a linear layer are multiplied with.
struct Matrix {
  at::Tensor weight;  // [out, in], float32 or bfloat16
  Int8Rows int8;      // takes the place of `weight` in products, once Quantize made it

  bool defined() const { return weight.defined() || int8.defined(); }
  // Makes `int8`. The weight is let go: Linear is all that can be done with the matrix then.
  void Quantize();
};

// The same product, in int8 if `matrix` is quantized.
at::Tensor Linear(const at::Tensor& x, const Matrix& matrix, c10::ScalarType compute_type);

// Zeroes elements with that probability and scales the rest; `x` itself if probability is 0.
at::Tensor Dropout(const at::Tensor& x, double probability);

// Dropout of max(x, 0), of which only the result is kept for the gradient.
at::Tensor ReluDropout(const at::Tensor& x, double probability);

// Cross entropy of every row of `logits` [n, vocabulary] with `labels` [n] int64, of whose weight
// the share `smoothing` is spread evenly over the vocabulary: [n]. Differentiable.
at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels, double smoothing);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_LAYERS_H_

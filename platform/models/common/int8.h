#ifndef OPENP5_PLATFORM_MODELS_COMMON_INT8_H_
#define OPENP5_PLATFORM_MODELS_COMMON_INT8_H_

#include <ATen/core/Tensor.h>

namespace openp5::models {

// Rows of int8 numbers between -127 and 127, each row with its own scale: row i stands for
// values[i] * scales[i].
struct Int8Rows {
  at::Tensor values;  // [n, columns] int8
  at::Tensor scales;  // [n] float32, a row's largest magnitude / 127
  at::Tensor sums;    // [n] float32, of what a row stands for

  bool defined() const { return values.defined(); }
};

// The nearest such rows of `x` [n, columns] float32 on the CPU.
Int8Rows QuantizeRows(const at::Tensor& x);

// x wᵀ of `x` [n, in] float32 and `weights` [out, in]: [n, out] float32. Rows of `x` are quantized
// as they come, between their least and their largest number (zero-point quantization, Dettmers et
// al., 2022, LLM.int8(), section 2.1, a row at a time), products are summed exactly in int32. On
// the CPU; no gradients.
at::Tensor Int8Linear(const at::Tensor& x, const Int8Rows& weights);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_INT8_H_

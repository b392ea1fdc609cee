#ifndef OPENP5_PLATFORM_TENSOR_TENSOR_CHECKS_H_
#define OPENP5_PLATFORM_TENSOR_TENSOR_CHECKS_H_

#include <ATen/core/Tensor.h>

#include <string_view>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5 {

// True if the two have equal shapes and values, whatever their types. Tensors over the same memory
// are not read.
bool IsSame(const at::Tensor& a, const at::Tensor& b);

// DataLoss naming `where`, the first tensor that holds NaN or an infinity, and how many of its
// numbers do. Reads every number once, at the speed of the memory.
absl::Status CheckFinite(std::string_view where, const NamedTensors& tensors);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_TENSOR_CHECKS_H_

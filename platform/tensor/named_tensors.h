#ifndef OPENP5_PLATFORM_TENSOR_NAMED_TENSORS_H_
#define OPENP5_PLATFORM_TENSOR_NAMED_TENSORS_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace openp5 {

// Tensors under the names of Hugging Face's state dicts, in a fixed order.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// The tensor of that name, or nullptr.
inline const at::Tensor* FindTensor(const NamedTensors& tensors, std::string_view name) {
  for (const auto& [other, tensor] : tensors) {
    if (other == name) return &tensor;
  }
  return nullptr;
}

inline at::Tensor* FindTensor(NamedTensors* tensors, std::string_view name) {
  return const_cast<at::Tensor*>(FindTensor(std::as_const(*tensors), name));
}

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_NAMED_TENSORS_H_

#ifndef OPENP5_PLATFORM_TENSOR_NAMED_TENSORS_H_
#define OPENP5_PLATFORM_TENSOR_NAMED_TENSORS_H_

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace openp5 {

// Tensors under the names of Hugging Face's state dicts, in a fixed order.
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// The tensor of that name, the first of several, or nullptr. Looks at one after the other:
// TensorIndex is for whoever asks for many.
inline const at::Tensor* FindTensor(const NamedTensors& tensors, std::string_view name) {
  for (const auto& [other, tensor] : tensors) {
    if (other == name) return &tensor;
  }
  return nullptr;
}

inline at::Tensor* FindTensor(NamedTensors* tensors, std::string_view name) {
  return const_cast<at::Tensor*>(FindTensor(std::as_const(*tensors), name));
}

// Finds tensors of a list by name, each in constant time. The list and its names stay as they are
// while this lives. Thread-safe.
class TensorIndex {
 public:
  explicit TensorIndex(const NamedTensors& tensors) : tensors_(tensors) {
    places_.reserve(tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) places_.emplace(tensors[i].first, i);
  }

  // Where the first tensor of that name is in the list.
  std::optional<size_t> Place(std::string_view name) const {
    const auto found = places_.find(name);
    if (found == places_.end()) return std::nullopt;
    return found->second;
  }
  // That tensor, or nullptr.
  const at::Tensor* Find(std::string_view name) const {
    const auto place = Place(name);
    return place.has_value() ? &tensors_[*place].second : nullptr;
  }

 private:
  const NamedTensors& tensors_;
  std::unordered_map<std::string_view, size_t> places_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_NAMED_TENSORS_H_

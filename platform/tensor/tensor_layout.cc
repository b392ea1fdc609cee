#include "platform/tensor/tensor_layout.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "platform/tensor/runtime.h"

namespace openp5 {
namespace {

using c10::ScalarType;

constexpr std::pair<std::string_view, ScalarType> kTypes[] = {
    {"F64", ScalarType::Double},    {"F32", ScalarType::Float}, {"F16", ScalarType::Half},
    {"BF16", ScalarType::BFloat16}, {"I64", ScalarType::Long},  {"I32", ScalarType::Int},
    {"I16", ScalarType::Short},     {"I8", ScalarType::Char},   {"U8", ScalarType::Byte},
    {"BOOL", ScalarType::Bool},
};

// A mapping takes a page at least and one of the 65530 a process may have: as many as a file of
// 60 GiB can need are still allowed.
constexpr size_t kMappedFrom = 1 << 20;

}  // namespace

std::optional<ScalarType> TypeOfName(std::string_view name) {
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
  }
  return std::nullopt;
}

std::string_view NameOfType(ScalarType type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  return {};
}

std::optional<int64_t> ByteSize(ScalarType type, std::span<const int64_t> shape) {
  int64_t bytes = static_cast<int64_t>(c10::elementSize(type));
  bool empty = false;
  for (const int64_t size : shape) {
    if (size < 0) return std::nullopt;
    empty |= size == 0;
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes)) return std::nullopt;
  }
  return empty ? 0 : bytes;
}

std::optional<int64_t> ElementsReached(std::span<const int64_t> shape,
                                       std::span<const int64_t> strides, int64_t offset) {
  if (offset < 0 || shape.size() != strides.size()) return std::nullopt;
  int64_t last = offset;
  bool empty = false;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0 || strides[i] < 0) return std::nullopt;
    empty |= shape[i] == 0;
    int64_t reach = 0;
    if (__builtin_mul_overflow(std::max<int64_t>(shape[i], 1) - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return std::nullopt;
    }
  }
  if (empty) return 0;
  if (__builtin_add_overflow(last, int64_t{1}, &last)) return std::nullopt;
  return last;
}

absl::StatusOr<at::Tensor> TensorOver(const MappedFile& file, ScalarType type,
                                      std::string_view bytes, std::string_view where) {
  if (type == ScalarType::Bool) {
    const auto wrong =
        std::find_if(bytes.begin(), bytes.end(), [](char c) { return c != 0 && c != 1; });
    if (wrong != bytes.end()) {
      return DataLoss(where, ": expected bools 0 or 1, got ",
                      static_cast<int>(static_cast<unsigned char>(*wrong)));
    }
  }
  const size_t element = c10::elementSize(type);
  const int64_t elements = static_cast<int64_t>(bytes.size() / element);
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % element == 0;
  std::shared_ptr<char> mapped;
  if (bytes.size() >= kMappedFrom && aligned) mapped = file.MapCopyOnWrite(bytes);
  at::Tensor tensor;
  OPENP5_RETURN_IF_ERROR(CatchTorch(where, [&] {
    const auto options = at::TensorOptions().dtype(type);
    if (mapped == nullptr) {
      tensor = at::empty({elements}, options);
      if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
    } else {
      tensor = at::from_blob(
          mapped.get(), {elements}, [mapped](void*) {}, options);
    }
    return absl::OkStatus();
  }));
  return tensor;
}

}  // namespace openp5

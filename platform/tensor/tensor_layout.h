#ifndef OPENP5_PLATFORM_TENSOR_TENSOR_LAYOUT_H_
#define OPENP5_PLATFORM_TENSOR_TENSOR_LAYOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "platform/base/file.h"
#include "platform/base/status.h"

namespace openp5 {

// The type safetensors calls `name` ("F32"), or nothing for a name we do not read.
std::optional<c10::ScalarType> TypeOfName(std::string_view name);
// "F32" for float32; empty for a type that safetensors files of ours do not hold.
std::string_view NameOfType(c10::ScalarType type);

// Bytes of a dense tensor of that type and shape, or nothing if a size is negative or if the
// product (zeros counted as one, since strides multiply them too) does not fit 63 bits.
std::optional<int64_t> ByteSize(c10::ScalarType type, std::span<const int64_t> shape);

// Elements between the first and the last that shape, strides and offset reach, plus one; 0 for an
// empty tensor. Nothing if a number is negative or the sum does not fit 63 bits.
std::optional<int64_t> ElementsReached(std::span<const int64_t> shape,
                                       std::span<const int64_t> strides, int64_t offset);

// A one-dimensional CPU tensor of `type` over `bytes`, which lie in `file` and whose size must be a
// multiple of the element size. Large ones are views of the file that become memory only where they
// are written to; small or unaligned ones are copies. It may outlive `file`. DataLoss naming
// `where` if a bool is neither 0 nor 1; ResourceExhausted without memory.
absl::StatusOr<at::Tensor> TensorOver(const MappedFile& file, c10::ScalarType type,
                                      std::string_view bytes, std::string_view where);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_TENSOR_LAYOUT_H_

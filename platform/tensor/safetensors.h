#ifndef OPENP5_PLATFORM_TENSOR_SAFETENSORS_H_
#define OPENP5_PLATFORM_TENSOR_SAFETENSORS_H_

#include <map>
#include <string>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5 {

// A safetensors file (8-byte header size, JSON header, raw little-endian data). Large tensors are
// views of the mapped file (see TensorOver), in the order of their offsets. DataLoss naming file
// and tensor or offset for a truncated, overlapping or malformed file; sizes are checked before
// anything is allocated. Types: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
absl::StatusOr<NamedTensors> ReadSafetensors(const std::string& path);

// Writes `tensors` (any device; contiguous copies are made as needed) with string metadata, to a
// temporary name first: on failure `path` is as it was. In the given order, except that wider types
// come before narrower ones so that all data is aligned. Byte-equal output for equal input.
// InvalidArgument for a name given twice or a type the format has not.
absl::Status WriteSafetensors(const std::string& path, const NamedTensors& tensors,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_SAFETENSORS_H_

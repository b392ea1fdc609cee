#ifndef OPENP5_PLATFORM_MODELS_COMMON_STATE_DICT_H_
#define OPENP5_PLATFORM_MODELS_COMMON_STATE_DICT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "platform/base/random.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::models {

// "[2, 3]".
std::string ShapeText(at::IntArrayRef shape);

// Takes the "module." off names that torch's data-parallel wrapper put it before.
void StripModulePrefix(NamedTensors* weights);

// Fills a contiguous float32 tensor from N(0, deviation), row by row.
void FillNormal(at::Tensor& tensor, double deviation, Random& random);

// `table` [rows, columns] with its first `rows` rows; rows beyond its own are N(0, deviation).
// float32, on the table's device.
at::Tensor ResizeRows(const at::Tensor& table, int64_t rows, double deviation, Random& random);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_STATE_DICT_H_

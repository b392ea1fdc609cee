#ifndef OPENP5_PLATFORM_MODELS_SASREC_PACK_HISTORIES_H_
#define OPENP5_PLATFORM_MODELS_SASREC_PACK_HISTORIES_H_

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <span>

#include "platform/models/common/packed_batch.h"

namespace openp5::models {

// Histories as SASRec reads them, in that order: of each the latest `max_length` items as rows of
// the embedding, `rows` [items]. None may be empty.
PackedBatch PackHistories(std::span<const std::span<const int32_t>> histories,
                          std::span<const int64_t> rows, int64_t max_length, c10::Device device);

// [batch] int64 on the device of the tokens: where each sequence's last token is.
at::Tensor LastPositions(const PackedBatch& batch);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_SASREC_PACK_HISTORIES_H_

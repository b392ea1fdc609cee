#ifndef OPENP5_PLATFORM_MODELS_COMMON_CUT_BATCH_H_
#define OPENP5_PLATFORM_MODELS_COMMON_CUT_BATCH_H_

#include <cstddef>
#include <vector>

#include "platform/models/common/packed_batch.h"

namespace openp5::models {

// Cuts a batch on the CPU into `parts` batches of neighbouring sequences with their labels, which
// have about as many tokens each; `parts` is at least 1 and at most the number of sequences.
// Together they are the batch: their tensors are views of its tensors, but for label positions.
std::vector<TrainingBatch> CutBatch(const TrainingBatch& batch, size_t parts);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_CUT_BATCH_H_

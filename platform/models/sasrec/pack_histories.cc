#include "platform/models/sasrec/pack_histories.h"

#include <torch/types.h>

#include <algorithm>
#include <vector>

namespace openp5::models {

PackedBatch PackHistories(std::span<const std::span<const int32_t>> histories,
                          std::span<const int64_t> rows, int64_t max_length, c10::Device device) {
  PackedBatch batch;
  std::vector<int64_t> tokens;
  for (const std::span<const int32_t>& history : histories) {
    const std::span<const int32_t> latest =
        history.last(std::min(history.size(), static_cast<size_t>(max_length)));
    for (const int32_t item : latest) tokens.push_back(rows[static_cast<size_t>(item)]);
    batch.lengths.push_back(static_cast<int64_t>(latest.size()));
  }
  batch.tokens = torch::tensor(tokens, torch::kLong).to(device);
  return batch;
}

at::Tensor LastPositions(const PackedBatch& batch) {
  std::vector<int64_t> last;
  int64_t end = 0;
  for (const int64_t length : batch.lengths) last.push_back((end += length) - 1);
  return torch::tensor(last, torch::kLong).to(batch.tokens.device());
}

}  // namespace openp5::models

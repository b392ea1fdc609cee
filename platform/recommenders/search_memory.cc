#include "platform/recommenders/search_memory.h"

#include <torch/types.h>

#include <algorithm>

#include "platform/decoding/continuations.h"
#include "platform/decoding/exact_ranking.h"
#include "platform/tensor/allocation_meter.h"
#include "platform/tensor/runtime.h"

namespace openp5::recommenders {

absl::StatusOr<SearchCost> MeasureSearch(models::GenerativeModel& model,
                                         const models::PackedBatch& prompt) {
  constexpr int64_t kBeams = 8;  // what does not grow with them hardly counts
  SearchCost cost;
  const absl::Status measured = CatchTorch("search", [&] {
    const at::NoGradGuard no_gradients;
    AllocationMeter meter;
    const auto state = model.Begin(prompt);
    cost.reading = meter.TakePeak();
    cost.prompt = meter.TakePeak();
    const at::Tensor start = state->start_tokens().view({1, 1, 1});
    state->Advance(start);
    state->Select(at::zeros({1}, start.options()), at::zeros({1, kBeams}, start.options()));
    meter.TakePeak();
    const int64_t before = meter.TakePeak();
    state->Advance(start.expand({1, kBeams, 1}).contiguous());
    cost.step = (meter.TakePeak() - before) / kBeams;
    cost.token = (meter.TakePeak() - before) / kBeams;
    return absl::OkStatus();
  });
  OPENP5_RETURN_IF_ERROR(measured);
  return cost;
}

int64_t SearchBytes(const SearchCost& cost, const SearchSize& size) {
  const int64_t rows =
      size.exact ? decoding::ExactRankingOptions().max_rows : size.users * size.beams;
  // Where all items are scored, a state is kept at every depth on the way to where it is. What all
  // identifiers begin with is one continuation wide, and two levels or so are as wide as they may
  // be.
  const int64_t tokens = size.exact ? 2 * size.length : size.length;
  const int64_t scores =
      std::min(rows, decoding::kLogitRows) * size.vocabulary * static_cast<int64_t>(sizeof(float));
  const int64_t searching =
      size.users * cost.prompt + rows * tokens * cost.token + std::max(rows * cost.step, scores);
  return AllocatorBytes(std::max(size.users * cost.reading, searching));
}

}  // namespace openp5::recommenders

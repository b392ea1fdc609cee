#include "trainers/train_meter.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace openp5::trainers {

TrainMeter::TrainMeter(Clock::time_point (*now)()) : now_(now), start_(now()), last_(start_) {}

void BatchCounts::Add(const models::TrainingBatch& batch, int64_t examples) {
  const auto add = [this](const std::vector<int64_t>& lengths) {
    if (lengths.empty()) return;
    tokens += static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), int64_t{0}));
    padded_tokens += static_cast<double>(lengths.size()) *
                     static_cast<double>(*std::max_element(lengths.begin(), lengths.end()));
  };
  samples += static_cast<double>(examples);
  add(batch.input.lengths);
  // A causal model's labels are tokens of its input.
  if (!batch.label_positions.defined()) add(batch.labels.lengths);
}

void TrainMeter::Add(const BatchCounts& counts) {
  total_.samples += counts.samples;
  total_.tokens += counts.tokens;
  total_.padded_tokens += counts.padded_tokens;
}

Throughput TrainMeter::SinceLast() {
  const Clock::time_point begin = std::exchange(last_, now_());
  const BatchCounts before = std::exchange(at_last_, total_);
  return Between(begin, last_, before, total_);
}

Throughput TrainMeter::Between(Clock::time_point begin, Clock::time_point end,
                               const BatchCounts& before, const BatchCounts& after) {
  const double seconds = std::max(std::chrono::duration<double>(end - begin).count(), 1e-9);
  const double tokens = after.tokens - before.tokens;
  const double padded = after.padded_tokens - before.padded_tokens;
  return {.samples_per_second = (after.samples - before.samples) / seconds,
          .tokens_per_second = tokens / seconds,
          .padding_share = padded > 0 ? 1 - tokens / padded : 0};
}

}  // namespace openp5::trainers

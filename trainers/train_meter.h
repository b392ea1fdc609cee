#ifndef OPENP5_TRAINERS_TRAIN_METER_H_
#define OPENP5_TRAINERS_TRAIN_METER_H_

#include <chrono>
#include <cstdint>

#include "platform/models/common/packed_batch.h"

namespace openp5::trainers {

// How fast a training goes over some stretch of time.
struct Throughput {
  double samples_per_second = 0;
  double tokens_per_second = 0;  // read and written, without padding
  // Of what padded batches of the same samples would compute, the part that is padding, which
  // packed batches are spared.
  double padding_share = 0;
};

// What is in batches.
struct BatchCounts {
  double samples = 0, tokens = 0;
  double padded_tokens = 0;  // of the batches with padding

  // `examples` of which the batch is made.
  void Add(const models::TrainingBatch& batch, int64_t examples);
};

// Counts the batches of a training. Not thread-safe.
class TrainMeter {
 public:
  using Clock = std::chrono::steady_clock;

  // The time starts now; `now` is a clock for tests.
  explicit TrainMeter(Clock::time_point (*now)() = Clock::now);

  void Add(const BatchCounts& counts);

  // Since the meter was made.
  double Seconds() const { return std::chrono::duration<double>(now_() - start_).count(); }
  Throughput Overall() const { return Between(start_, now_(), {}, total_); }
  // Since the last call, at first since the meter was made.
  Throughput SinceLast();

 private:
  static Throughput Between(Clock::time_point begin, Clock::time_point end,
                            const BatchCounts& before, const BatchCounts& after);

  Clock::time_point (*const now_)();
  const Clock::time_point start_;
  Clock::time_point last_;
  BatchCounts total_, at_last_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAIN_METER_H_

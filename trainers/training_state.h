#ifndef OPENP5_TRAINERS_TRAINING_STATE_H_
#define OPENP5_TRAINERS_TRAINING_STATE_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <limits>
#include <string>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"
#include "trainers/optimizer.h"

namespace openp5::trainers {

// Where a run is and what it has measured so far.
struct TrainingPosition {
  int64_t epoch = 0;  // being trained, from 0
  int64_t batch = 0;  // next batch of that epoch
  int64_t step = 0;   // steps done
  double loss_sum = 0;
  int64_t loss_count = 0;                                       // batches of the epoch in loss_sum
  double best_value = std::numeric_limits<double>::infinity();  // smaller is better
  int64_t best_epoch = -1;
};

// What a run needs to go on exactly as if it had not stopped, in one safetensors file so that it is
// whole or absent: weights, moments, position, and the state of `device`'s default generator.
absl::Status SaveTrainingState(const std::string& path, const NamedTensors& weights,
                               const AdamW& optimizer, const TrainingPosition& position,
                               c10::Device device);
// DataLoss naming file and tensor if the file is not one of the same model. `weights` are written
// in place.
absl::StatusOr<TrainingPosition> LoadTrainingState(const std::string& path,
                                                   const NamedTensors& weights, AdamW* optimizer,
                                                   c10::Device device);

// Seeds `device`'s default generator (dropout).
void SeedDefaultGenerator(c10::Device device, uint64_t seed);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINING_STATE_H_

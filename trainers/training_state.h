#ifndef OPENP5_TRAINERS_TRAINING_STATE_H_
#define OPENP5_TRAINERS_TRAINING_STATE_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"
#include "trainers/optimizer.h"

namespace openp5::trainers {

// An epoch and how good it was.
struct EpochValue {
  int64_t epoch = 0;  // from 0
  double value = 0;   // smaller is better
};

// A mean of losses in the making.
struct LossMean {
  double sum = 0, weight = 0;

  void Add(double loss, double its_weight = 1) {
    sum += loss * its_weight;
    weight += its_weight;
  }
  double Value() const { return sum / weight; }  // no number while there is none
};

// Returns the mean of all that the means are of.
LossMean Joined(const std::vector<LossMean>& means);

// What a run is cut into.
struct RunShape {
  size_t groups = 0;      // of samples
  int64_t processes = 1;  // each of which takes a batch at a time
  int64_t batches_per_epoch = 0;
};

// Where a run is and what it has measured so far.
struct TrainingPosition {
  int64_t epoch = 0;                  // being trained, from 0
  int64_t batch = 0;                  // next batch of that epoch
  int64_t step = 0;                   // steps done
  int64_t world_size = 1;             // processes, each of which takes a batch at a time
  int64_t total_steps = 0;            // of the whole run, which schedules go by
  std::vector<LossMean> losses = {};  // of the epoch's batches so far, by group
  std::vector<EpochValue> best = {};  // the best epochs that are kept, best first
  int64_t log_bytes = 0;              // length of metrics.jsonl
  int64_t tested_epoch = 0;           // the last one whose test split was evaluated, from 1
  std::string frozen = {};            // TrainingTask::FrozenDigest
  // What the last epoch that ended had; the latter is no number if nothing was validated.
  double train_loss = 0, validation_loss = 0;

  // Moves to the same place of the epoch for `run.processes`: rounded down to a whole round of the
  // groups' batches, so that no sample is left out. DataLoss if no such run has this position.
  absl::Status FitTo(const RunShape& run);

  // As one line of JSON, and back. DataLoss for what is no such line.
  std::string ToText() const;
  static absl::StatusOr<TrainingPosition> FromText(const std::string& text);
};

// What a run needs to go on exactly as if it had not stopped: copies, on the CPU, of the trained
// weights and their moments, and the position.
NamedTensors CopyTrainingState(const NamedTensors& weights, const AdamW& optimizer,
                               const TrainingPosition& position);
// The weights in such a state, under their own names; they share memory.
NamedTensors WeightsOfState(const NamedTensors& state);
// One safetensors file, so that it is whole or absent, with a digest of all that is in it.
absl::Status WriteTrainingState(const std::string& path, const NamedTensors& state);
// DataLoss naming the file if it is not what was written, or no state of the same model. `weights`
// are written in place.
absl::StatusOr<TrainingPosition> LoadTrainingState(const std::string& path,
                                                   const NamedTensors& weights, AdamW* optimizer);

// Returns the seed of what one batch draws (dropout): a function of the run's seed and of the batch
// only, so that no generator's state need be kept.
struct BatchPlace {
  int64_t epoch = 0, batch = 0, rank = 0;
};
uint64_t BatchSeed(uint64_t seed, const BatchPlace& place);
// Sets the default generator of `device` to a batch's seed.
void SeedGenerator(c10::Device device, uint64_t batch_seed);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINING_STATE_H_

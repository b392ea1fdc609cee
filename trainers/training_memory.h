#ifndef OPENP5_TRAINERS_TRAINING_MEMORY_H_
#define OPENP5_TRAINERS_TRAINING_MEMORY_H_

#include <cstdint>

#include "platform/base/status.h"
#include "trainers/train_options.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// What a training takes beside program, data and weights, in bytes.
struct TrainingMemory {
  int64_t moments = 0;     // of the optimizer
  int64_t step = 0;        // activations and gradients of the largest batch
  int64_t copies = 0;      // weights and moments, copied to be saved
  int64_t file = 0;        // weights, mapped from the file they were saved in for its digest
  int64_t evaluation = 0;  // of the searches of validations and tests
  // Whether steps follow a save, which is written while they are computed.
  bool saves_beside_steps = false;

  // The most there will be at one time.
  int64_t Most() const;
};

// How many processes train together.
struct TrainingProcesses {
  int64_t all = 1, on_this_machine = 1;
};

// Measures what training `task` takes, before the first step: parts of one of the largest batches
// go through a forward and a backward pass, each part twice as large as the one before, up to a
// quarter of the batch, and what the whole batch takes follows from the last two. No larger part is
// tried if there would not be memory for it. Weights, random state and the epochs' draws are
// afterwards what they were; no parameter has a gradient. Fails as MakeBatch and EvaluationMemory;
// ResourceExhausted if there is not even memory for a part.
absl::StatusOr<TrainingMemory> MeasureTrainingMemory(TrainingTask* task,
                                                     const TrainOptions& options,
                                                     int64_t processes);

// Logs what the training needs of memory, and fails with ResourceExhausted, naming what makes it
// less, if this machine has not that much for each of its processes.
absl::Status ReserveTrainingMemory(TrainingTask* task, const TrainOptions& options,
                                   const TrainingProcesses& processes);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINING_MEMORY_H_

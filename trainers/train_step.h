#ifndef OPENP5_TRAINERS_TRAIN_STEP_H_
#define OPENP5_TRAINERS_TRAIN_STEP_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "platform/base/status.h"
#include "platform/distributed/gradient_reducer.h"
#include "platform/distributed/process_group.h"
#include "trainers/optimizer.h"
#include "trainers/train_meter.h"
#include "trainers/train_options.h"
#include "trainers/training_state.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// A batch of samples of one of the task's groups.
struct GroupBatch {
  int64_t group = 0;
  models::TrainingBatch tensors = {};
};

// Where in a run a step is, and how far it goes.
struct StepPlace {
  int64_t epoch = 0, batch = 0;  // of the step's first batch, both from 0
  int64_t step = 0;              // from 0
  double learning_rate = 0;
};

// What a step measured over all processes.
struct StepResult {
  std::vector<double> losses = {};  // the mean of each batch
  BatchCounts counts = {};          // of all batches together
  double gradient_norm = 0;         // before clipping
  bool stop = false;                // a process got a signal that asks to stop
};

// One step of a training: the gradients of a few batches, averaged over the processes, and an
// update of the optimizer. One thread at a time. Memory: that of the optimizer.
class TrainStep {
 public:
  // The arguments outlive this; `processes` nullptr: one process. Fails as TaskWeights.
  static absl::StatusOr<std::unique_ptr<TrainStep>> Create(TrainingTask* task,
                                                           const TrainOptions& options,
                                                           ProcessGroup* processes);

  // Takes one step with batches of this process's, whose gradients are averaged. Fails if LibTorch
  // does, or another process.
  absl::StatusOr<StepResult> Run(const std::vector<GroupBatch>& batches, const StepPlace& place);

  // Gives all processes the first one's weights, moments and `position`. To be called before Run.
  absl::Status ShareState(TrainingPosition* position);
  // Gives all processes the first one's weights.
  absl::Status ShareWeights() const;

  AdamW& optimizer() { return optimizer_; }

 private:
  TrainStep(TrainingTask* task, const TrainOptions& options, ProcessGroup* processes,
            std::vector<double> group_weights);

  absl::Status Take(const std::vector<GroupBatch>& batches, const StepPlace& place,
                    StepResult* result);
  absl::StatusOr<std::vector<double>> GlobalWeights(const std::vector<GroupBatch>& batches) const;
  double AddGradients(const models::TrainingBatch& batch, double factor, uint64_t seed,
                      GradientReducer* reducer);
  absl::Status AddOverProcesses(StepResult* result) const;

  TrainingTask& task_;
  const TrainOptions& options_;
  ProcessGroup* const processes_;
  const std::vector<double> group_weights_;  // what the losses of each group are multiplied by
  AdamW optimizer_;
  std::unique_ptr<GradientReducer> reducer_;  // none in a single process
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAIN_STEP_H_

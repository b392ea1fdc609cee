#ifndef OPENP5_TRAINERS_VALIDATION_H_
#define OPENP5_TRAINERS_VALIDATION_H_

#include <cstdint>
#include <vector>

#include "evaluators/ranking_result.h"
#include "platform/base/status.h"
#include "platform/distributed/process_group.h"
#include "trainers/epoch_selection.h"
#include "trainers/training_state.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

struct ValidationResult {
  // What epochs are compared by, smaller is better: the mean loss, or the negative mean of a metric
  // over all groups.
  double value = 0;
  std::vector<LossMean> losses = {};  // by group
  // Of the metric, if epochs are compared by one.
  std::vector<evaluators::RankingResult> rankings = {};
};

// Measures a model on the validation split as a selection of epochs asks. The result is the same
// for any number of processes.
class Validation {
 public:
  // The arguments outlive this; `processes` nullptr: one process.
  Validation(TrainingTask* task, const EpochSelection& selection, int64_t batch_size,
             ProcessGroup* processes)
      : task_(*task), selection_(selection), batch_size_(batch_size), processes_(processes) {}

  // Computes nothing where epochs are compared by nothing. Cancelled if any process got a signal
  // that asks to stop.
  absl::StatusOr<ValidationResult> Measure() const;

 private:
  absl::StatusOr<std::vector<LossMean>> MeasureLosses() const;

  TrainingTask& task_;
  const EpochSelection& selection_;
  const int64_t batch_size_;
  ProcessGroup* const processes_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_VALIDATION_H_

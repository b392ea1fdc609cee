#ifndef OPENP5_TRAINERS_TRAINING_LOG_H_
#define OPENP5_TRAINERS_TRAINING_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "evaluators/ranking_result.h"
#include "platform/base/status.h"
#include "trainers/epoch_selection.h"
#include "trainers/run_folder.h"
#include "trainers/train_meter.h"
#include "trainers/training_state.h"
#include "trainers/validation.h"

namespace openp5::trainers {

// Holds what the log tells of a step beside its position.
struct StepNote {
  double learning_rate = 0, gradient_norm = 0;
  Throughput throughput = {};
  double seconds_left = 0;  // until the run ends
};

// Holds what the log tells of an epoch beside its position.
struct EpochNote {
  ValidationResult validation = {};
  double seconds = 0;
  bool is_best = false;
};

// Tells what a training measured: people on standard error, and the run's folder. The functions
// fail as RunFolder::Log and WriteReport.
class TrainingLog {
 public:
  // The arguments outlive this; `folder` nullptr: another process writes.
  TrainingLog(const TrainingTask& task, const EpochSelection& selection, const RunFolder* folder)
      : groups_(task.groups()), selection_(selection), folder_(folder) {}

  // Stands beside the progress bar, the most important first.
  static std::string Note(const TrainingPosition& position, const Throughput& throughput);
  // Tells of the step before `position`.
  absl::Status Step(const TrainingPosition& position, const StepNote& note) const;
  // Tells of the epoch before `position`, whose losses are still that epoch's.
  absl::Status Epoch(const TrainingPosition& position, const EpochNote& note) const;
  // Tells of the test split after `epoch` epochs, with the weights of `checkpoint`, or if it is
  // empty with those of that moment.
  absl::Status Test(const TrainingPosition& position, const std::string& checkpoint, int64_t epoch,
                    const std::vector<evaluators::RankingResult>& results) const;

 private:
  GroupValues ByGroup(const std::vector<LossMean>& losses) const;
  void Show(const TrainingPosition& position, const EpochNote& note) const;
  absl::Status Write(const RunMetrics& metrics) const;

  const std::vector<TaskGroup> groups_;
  const EpochSelection& selection_;
  const RunFolder* const folder_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINING_LOG_H_

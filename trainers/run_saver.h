#ifndef OPENP5_TRAINERS_RUN_SAVER_H_
#define OPENP5_TRAINERS_RUN_SAVER_H_

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "trainers/background_job.h"
#include "trainers/optimizer.h"
#include "trainers/run_folder.h"
#include "trainers/train_options.h"
#include "trainers/training_state.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// Writes the checkpoints and the state of a run, in this order: `best` and the epoch's own, the
// state, `last`; then it removes the epochs that are no longer kept. A run goes on from the state
// alone. Stopped before the state is written, the run makes the same checkpoints again; stopped
// after it, Begin makes up for the rest. One thread may call it.
class RunSaver {
 public:
  // All outlive this; `folder` nullptr: another process writes, and nothing is done here.
  RunSaver(const TrainingTask* task, const RunFolder* folder, const TrainOptions& options)
      : task_(*task), folder_(folder), options_(options) {}

  // Begins the log of a new run, or goes on from the folder's state: weights, moments, `position`,
  // the log and the checkpoints are those of that moment afterwards. Fails as LoadTrainingState,
  // and with FailedPrecondition if the state is of another backbone.
  absl::Status Begin(AdamW* optimizer, TrainingPosition* position);

  // True if the options ask for a save after step `step`.
  bool IsDue(int64_t step) const;
  // Copies the state and writes it while training goes on. At the end of an epoch (position.batch
  // is 0) the epoch's checkpoints are written, too. Fails if the save before this one did.
  absl::Status Save(const AdamW& optimizer, TrainingPosition* position);
  // Waits for the save in progress, and says how it ended.
  absl::Status Wait() { return writer_.Wait(); }

  // Gives the task the weights of the best checkpoint.
  absl::Status LoadBest() const;
  // DataLoss if a run that is finished at `position` lacks `last` or `best`, or has those of
  // another moment.
  absl::Status CheckComplete(const TrainingPosition& position) const;

 private:
  using Clock = std::chrono::steady_clock;

  absl::Status CheckFrozen(TrainingPosition* position) const;
  // Brings the checkpoints to what the save of `position`, whose state the task's parameters now
  // have, leaves behind when nothing stops it.
  absl::Status Repair(const TrainingPosition& position);
  // Names of the checkpoints that the end of position's epoch makes beside `last`.
  std::vector<std::string> EpochCheckpoints(const TrainingPosition& position) const;
  // Names of the epochs' own checkpoints that are there after the save of `position`.
  std::vector<std::string> KeptEpochs(const TrainingPosition& position) const;
  bool Stands(const std::string& name, const nlohmann::json& metrics) const;

  const TrainingTask& task_;
  const RunFolder* const folder_;
  const TrainOptions& options_;
  Clock::time_point saved_ = Clock::now();  // when the last save began
  BackgroundJob writer_;                    // last: it ends before what it uses
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_RUN_SAVER_H_

#ifndef OPENP5_TRAINERS_RUN_SAVER_H_
#define OPENP5_TRAINERS_RUN_SAVER_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "trainers/background_job.h"
#include "trainers/optimizer.h"
#include "trainers/run_folder.h"
#include "trainers/training_state.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// Writes the checkpoints and the state of a run, in this order: `best` and the epoch's own, the
// state, `last`; then it removes the epochs that are no longer kept. A run goes on from the state
// alone. Stopped before the state is written, the run makes the same checkpoints again; stopped
// after it, Repair makes up for the rest. One thread may call it.
class RunSaver {
 public:
  // Both outlive this; `folder` nullptr: another process writes, and nothing is done here.
  RunSaver(const TrainingTask* task, const RunFolder* folder, int64_t keep_best)
      : task_(*task), folder_(folder), keep_best_(keep_best) {}

  // Copies the state and writes it while training goes on. At the end of an epoch (position.batch
  // is 0) the epoch's checkpoints are written, too. Fails if the save before this one did.
  absl::Status Save(const AdamW& optimizer, TrainingPosition* position);
  // Waits for the save in progress, and says how it ended.
  absl::Status Wait() { return writer_.Wait(); }

  // Brings the checkpoints to what the save of `position`, whose state the task's parameters now
  // have, leaves behind when nothing stops it.
  absl::Status Repair(const TrainingPosition& position);
  // DataLoss if a run that is finished at `position` lacks `last` or `best`, or has those of
  // another moment.
  absl::Status CheckComplete(const TrainingPosition& position) const;

 private:
  // Names of the checkpoints that the end of position's epoch makes beside `last`.
  std::vector<std::string> EpochCheckpoints(const TrainingPosition& position) const;
  // Names of the epochs' own checkpoints that are there after the save of `position`.
  std::vector<std::string> KeptEpochs(const TrainingPosition& position) const;
  bool Stands(const std::string& name, const nlohmann::json& metrics) const;

  const TrainingTask& task_;
  const RunFolder* const folder_;
  const int64_t keep_best_;
  BackgroundJob writer_;  // last: it ends before what it uses
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_RUN_SAVER_H_

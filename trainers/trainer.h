#ifndef OPENP5_TRAINERS_TRAINER_H_
#define OPENP5_TRAINERS_TRAINER_H_

#include <cstdint>

#include "evaluators/evaluation_options.h"
#include "platform/base/status.h"
#include "platform/distributed/process_group.h"
#include "trainers/run_folder.h"
#include "trainers/train_options.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

struct TrainingSummary {
  int64_t epochs = 0, steps = 0;
  double train_loss = 0;       // of the last epoch
  double validation_loss = 0;  // after it; no number with --valid-select none
  int64_t best_epoch = -1;     // from 0
  // What it was chosen by: the loss, or the metric of valid_select; no number with none.
  double best_validation = 0;
  std::vector<evaluators::RankingResult> test = {};  // of the best checkpoint, if asked for
};

// A usage error for options that Train refuses, which needs neither data nor a model. `tasks`: how
// many each dataset has.
absl::Status CheckTraining(const TrainOptions& options,
                           const evaluators::EvaluationOptions& evaluation, size_t tasks);

// Trains `task`'s parameters and keeps `folder`'s checkpoints, state and metrics; they are written
// while training goes on. With a state in `folder` it goes on from there: on a CPU the result is
// bit for bit that of a run that never stopped, however it was stopped. Several `processes`
// share every batch, of their number times batch_size samples, and every evaluation; only rank 0
// has a folder. Cancelled, with the state saved, after a signal that asks to stop where
// they are caught (CatchTermination); DataLoss if the state or a checkpoint is damaged;
// FailedPrecondition if the loss stops being a number; else failures of the data, the model, the
// disk or another process.
absl::StatusOr<TrainingSummary> Train(TrainingTask* task, const TrainOptions& options,
                                      const RunFolder* folder, ProcessGroup* processes = nullptr);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TRAINER_H_

#include "trainers/trainer.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "platform/base/log.h"
#include "platform/base/progress.h"
#include "trainers/epoch_selection.h"
#include "trainers/prefetcher.h"
#include "trainers/run_saver.h"
#include "trainers/schedule.h"
#include "trainers/task_sampler.h"
#include "trainers/train_meter.h"
#include "trainers/train_step.h"
#include "trainers/training_log.h"
#include "trainers/training_state.h"
#include "trainers/validation.h"

namespace openp5::trainers {
namespace {

// What a run is made of, for Training.
struct Parts {
  TaskSampler sampler;
  LearningRate rate;
  EpochSelection selection;
  std::unique_ptr<TrainStep> step;
};

class Training {
 public:
  Training(TrainingTask* task, const TrainOptions& options, const RunFolder* folder,
           ProcessGroup* processes, Parts parts);

  absl::StatusOr<TrainingSummary> Run();

 private:
  bool StepsAreDone() const {
    const int64_t most = options_.schedule.max_steps;
    return most > 0 && position_.step >= most;
  }
  bool HasStalled() const { return selection_.HasStalled(position_.epoch, position_.best); }
  // An epoch that was begun is always finished: validated, and its checkpoints written.
  bool IsDone() const {
    return position_.batch == 0 &&
           (position_.epoch >= options_.schedule.epochs || StepsAreDone() || HasStalled());
  }
  void SetTraining(bool training) { task_.SetTraining(training, options_.Dropout()); }
  absl::Status Save() { return saver_.Save(step_->optimizer(), &position_); }

  absl::Status Begin();
  absl::Status TrainEpoch();
  absl::Status TakeSteps(TrainMeter* meter);
  absl::StatusOr<GroupBatch> MakeBatch(int64_t number) const;
  absl::StatusOr<StepResult> Step(Prefetcher<GroupBatch>* batches, int64_t count);
  absl::Status SaveAndStop();
  absl::Status FinishEpoch(double seconds);
  absl::Status TestIfDue();
  absl::StatusOr<std::vector<evaluators::RankingResult>> Test(const std::string& checkpoint,
                                                              int64_t epoch);
  TrainingSummary Summary() const;

  TrainingTask& task_;
  const TrainOptions& options_;
  const int64_t world_size_;
  TaskSampler sampler_;
  const LearningRate rate_;
  const EpochSelection selection_;
  const std::unique_ptr<TrainStep> step_;
  const Validation validation_;
  const TrainingLog log_;
  const int64_t accumulation_;  // batches a step
  int64_t last_step_ = 0;       // of the run
  TrainingPosition position_;
  RunSaver saver_;  // last: it ends before what it uses
};

Training::Training(TrainingTask* task, const TrainOptions& options, const RunFolder* folder,
                   ProcessGroup* processes, Parts parts)
    : task_(*task),
      options_(options),
      world_size_(processes == nullptr ? 1 : processes->size()),
      sampler_(std::move(parts.sampler)),
      rate_(std::move(parts.rate)),
      selection_(std::move(parts.selection)),
      step_(std::move(parts.step)),
      validation_(task, selection_, options.sampling.batch_size, processes),
      log_(*task, selection_, folder),
      accumulation_(options.BatchesPerStep()),
      saver_(task, folder, options) {
  const int64_t steps = (sampler_.batches_per_epoch() + accumulation_ - 1) / accumulation_;
  last_step_ = steps * options.schedule.epochs;
  if (options.schedule.max_steps > 0) last_step_ = std::min(last_step_, options.schedule.max_steps);
  position_.world_size = world_size_;
  position_.frozen = task->FrozenDigest();
  position_.losses.resize(task->groups().size());
}

// Goes on from a state, if there is one, with the same weights, moments and position in every
// process.
absl::Status Training::Begin() {
  OPENP5_RETURN_IF_ERROR(saver_.Begin(&step_->optimizer(), &position_));
  OPENP5_RETURN_IF_ERROR(step_->ShareState(&position_));
  OPENP5_RETURN_IF_ERROR(position_.FitTo({.groups = task_.groups().size(),
                                          .processes = world_size_,
                                          .batches_per_epoch = sampler_.batches_per_epoch()}));
  // A run may go on with more epochs or other processes.
  rate_.WarnOfChange(position_.step, std::exchange(position_.total_steps, rate_.total_steps()));
  if (position_.step == 0) {
    return options_.selection.test_before_train ? Test("", 0).status() : absl::OkStatus();
  }
  LogInfo(StrCat("resuming at epoch ", position_.epoch + 1, ", step ", position_.step));
  return TestIfDue();
}

absl::StatusOr<TrainingSummary> Training::Run() {
  OPENP5_RETURN_IF_ERROR(Begin());
  while (!IsDone()) OPENP5_RETURN_IF_ERROR(TrainEpoch());
  if (HasStalled()) {
    LogInfo(StrCat("no better epoch since epoch ", position_.best.front().epoch + 1, ": stopped"));
  }
  OPENP5_RETURN_IF_ERROR(saver_.Wait());
  OPENP5_RETURN_IF_ERROR(saver_.CheckComplete(position_));
  TrainingSummary summary = Summary();
  if (options_.selection.test_after_train) {
    // The parameters are those of the best checkpoint afterwards.
    OPENP5_RETURN_IF_ERROR(saver_.LoadBest());
    OPENP5_RETURN_IF_ERROR(step_->ShareWeights());
    OPENP5_ASSIGN_OR_RETURN(summary.test, Test("best", summary.best_epoch + 1));
  }
  return summary;
}

TrainingSummary Training::Summary() const {
  TrainingSummary summary{.epochs = position_.epoch,
                          .steps = position_.step,
                          .train_loss = position_.train_loss,
                          .validation_loss = position_.validation_loss};
  if (position_.best.empty()) return summary;
  summary.best_epoch = position_.best.front().epoch;
  summary.best_validation = selection_.Measured(position_.best.front().value);
  return summary;
}

absl::StatusOr<GroupBatch> Training::MakeBatch(int64_t number) const {
  const TaskSampler::Batch batch = sampler_.Get(number);
  GroupBatch made{.group = batch.group};
  OPENP5_ASSIGN_OR_RETURN(made.tensors, task_.MakeBatch(batch.group, batch.samples));
  return made;
}

absl::Status Training::TrainEpoch() {
  sampler_.StartEpoch(position_.epoch);
  task_.StartEpoch(position_.epoch);
  SetTraining(true);
  TrainMeter meter;
  OPENP5_RETURN_IF_ERROR(TakeSteps(&meter));
  return FinishEpoch(meter.Seconds());
}

// The steps of the epoch that are left, or as many as the run may still take.
absl::Status Training::TakeSteps(TrainMeter* meter) {
  const int64_t total = sampler_.batches_per_epoch();
  const int64_t first = position_.batch, first_step = position_.step;
  const int64_t batch_samples = options_.sampling.batch_size * world_size_;
  Prefetcher<GroupBatch> batches(total - first, /*ahead=*/4, [this, first](int64_t number) {
    return MakeBatch(first + number);
  });
  const int64_t left = (last_step_ - first_step) * accumulation_;  // batches of the whole run
  const int64_t now = std::min(total - first, left);
  ProgressBar progress(StrCat("epoch ", position_.epoch + 1, "/", options_.schedule.epochs),
                       now * batch_samples,
                       options_.sampling.pack_targets > 1 ? "runs of targets" : "samples",
                       (left - now) * batch_samples);
  while (position_.batch < total && !StepsAreDone()) {
    const int64_t count = std::min(accumulation_, total - position_.batch);
    OPENP5_ASSIGN_OR_RETURN(const StepResult result, Step(&batches, count));
    meter->Add(result.counts);
    progress.Advance(count * batch_samples, TrainingLog::Note(position_, meter->Overall()));
    if (position_.step % options_.saving.logging_step == 0) {
      const double steps_left = static_cast<double>(last_step_ - position_.step);
      const double a_step = meter->Seconds() / static_cast<double>(position_.step - first_step);
      OPENP5_RETURN_IF_ERROR(log_.Step(position_, {.learning_rate = rate_.At(position_.step - 1),
                                                   .gradient_norm = result.gradient_norm,
                                                   .throughput = meter->SinceLast(),
                                                   .seconds_left = a_step * steps_left}));
    }
    if (result.stop) return SaveAndStop();
    if (saver_.IsDue(position_.step)) OPENP5_RETURN_IF_ERROR(Save());
  }
  progress.Finish();
  return absl::OkStatus();
}

absl::StatusOr<StepResult> Training::Step(Prefetcher<GroupBatch>* prefetcher, int64_t count) {
  std::vector<GroupBatch> batches;
  for (int64_t i = 0; i < count; ++i) {
    OPENP5_ASSIGN_OR_RETURN(std::optional<GroupBatch> batch, prefetcher->Next());
    OPENP5_CHECK(batch.has_value());
    batches.push_back(*std::move(batch));
  }
  OPENP5_ASSIGN_OR_RETURN(StepResult result,
                          step_->Run(batches, {.epoch = position_.epoch,
                                               .batch = position_.batch,
                                               .step = position_.step,
                                               .learning_rate = rate_.At(position_.step)}));
  for (size_t i = 0; i < batches.size(); ++i) {
    position_.losses[static_cast<size_t>(batches[i].group)].Add(result.losses[i]);
  }
  position_.batch += count;
  ++position_.step;
  if (!std::isfinite(result.gradient_norm) || !std::isfinite(Joined(position_.losses).Value())) {
    return FailedPrecondition("training: step ", position_.step,
                              ": the loss is no longer a number; hint: a lower --lr");
  }
  return result;
}

absl::Status Training::SaveAndStop() {
  OPENP5_RETURN_IF_ERROR(Save());
  OPENP5_RETURN_IF_ERROR(saver_.Wait());
  return absl::CancelledError(StrCat("training: stopped by a signal after step ", position_.step,
                                     "; hint: --resume goes on from there"));
}

absl::Status Training::FinishEpoch(double seconds) {
  SetTraining(false);
  absl::StatusOr<ValidationResult> validation = validation_.Measure();
  if (absl::IsCancelled(validation.status())) return SaveAndStop();
  OPENP5_RETURN_IF_ERROR(validation.status());
  position_.validation_loss = Joined(validation->losses).Value();
  position_.train_loss = Joined(position_.losses).Value();
  const bool is_best =
      selection_.Add({.epoch = position_.epoch, .value = validation->value}, &position_.best);
  ++position_.epoch;
  position_.batch = 0;
  OPENP5_RETURN_IF_ERROR(log_.Epoch(
      position_, {.validation = *std::move(validation), .seconds = seconds, .is_best = is_best}));
  position_.losses.assign(position_.losses.size(), {});
  OPENP5_RETURN_IF_ERROR(Save());
  return TestIfDue();
}

// The test of the epoch that ended last, unless it is done.
absl::Status Training::TestIfDue() {
  const int64_t every = options_.selection.test_epoch;
  const bool is_due =
      every > 0 && position_.batch == 0 && position_.epoch > 0 && position_.epoch % every == 0;
  if (!is_due || position_.tested_epoch == position_.epoch) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(Test("", position_.epoch).status());
  position_.tested_epoch = position_.epoch;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<evaluators::RankingResult>> Training::Test(const std::string& checkpoint,
                                                                      int64_t epoch) {
  SetTraining(false);
  OPENP5_ASSIGN_OR_RETURN(const auto metrics, evaluators::ParseMetrics(task_.evaluation().metrics));
  OPENP5_ASSIGN_OR_RETURN(auto results, task_.Evaluate(datasets::Split::kTest, metrics));
  OPENP5_RETURN_IF_ERROR(log_.Test(position_, checkpoint, epoch, results));
  return results;
}

}  // namespace

absl::Status CheckTraining(const TrainOptions& options,
                           const evaluators::EvaluationOptions& evaluation, size_t tasks) {
  OPENP5_RETURN_IF_ERROR(options.TaskWeights(tasks).status());
  OPENP5_RETURN_IF_ERROR(options.SampleNumbers(tasks).status());
  OPENP5_RETURN_IF_ERROR(EpochSelection::Create(options.selection).status());
  OPENP5_RETURN_IF_ERROR(evaluation.Check(options.openp5_compat));
  return evaluators::ParseMetrics(evaluation.metrics).status();
}

absl::StatusOr<TrainingSummary> Train(TrainingTask* task, const TrainOptions& options,
                                      const RunFolder* folder, ProcessGroup* processes) {
  OPENP5_ASSIGN_OR_RETURN(
      TaskSampler sampler,
      TaskSampler::Create(task->groups(),
                          {.batch_size = options.sampling.batch_size,
                           .seed = static_cast<uint64_t>(options.seed),
                           .rank = processes == nullptr ? 0 : processes->rank(),
                           .world_size = processes == nullptr ? 1 : processes->size(),
                           .openp5_compat = options.openp5_compat}));
  OPENP5_ASSIGN_OR_RETURN(LearningRate rate,
                          LearningRate::Create(options, sampler.batches_per_epoch()));
  OPENP5_ASSIGN_OR_RETURN(EpochSelection selection, EpochSelection::Create(options.selection));
  OPENP5_ASSIGN_OR_RETURN(auto step, TrainStep::Create(task, options, processes));
  Training training(task, options, folder, processes,
                    {.sampler = std::move(sampler),
                     .rate = std::move(rate),
                     .selection = std::move(selection),
                     .step = std::move(step)});
  return training.Run();
}

}  // namespace openp5::trainers

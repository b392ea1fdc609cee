#include "trainers/trainer.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "checkpoints/checkpoint.h"
#include "evaluators/report.h"
#include "platform/base/log.h"
#include "platform/base/memory.h"
#include "platform/base/progress.h"
#include "platform/models/common/language_model.h"
#include "platform/tensor/runtime.h"
#include "trainers/prefetcher.h"
#include "trainers/run_saver.h"
#include "trainers/schedule.h"
#include "trainers/task_sampler.h"
#include "trainers/train_meter.h"
#include "trainers/train_step.h"
#include "trainers/training_state.h"
#include "trainers/validation.h"

namespace openp5::trainers {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Beside the bar, the most important first.
std::string ProgressNote(double loss, const Throughput& throughput) {
  return absl::StrFormat("loss %.4f, %.0f tokens/s, %s, padding %.0f%%", loss,
                         throughput.tokens_per_second, MemoryText(ResidentMemory().value_or(0)),
                         throughput.padding_share * 100);
}

class Training {
 public:
  static absl::StatusOr<std::unique_ptr<Training>> Create(TrainingTask* task,
                                                          const TrainOptions& options,
                                                          const RunFolder* folder,
                                                          ProcessGroup* group) {
    OPENP5_ASSIGN_OR_RETURN(auto step, TrainStep::Create(task, options, group));
    OPENP5_ASSIGN_OR_RETURN(
        TaskSampler sampler,
        TaskSampler::Create(task->groups(), {.batch_size = options.batch_size,
                                             .seed = static_cast<uint64_t>(options.seed),
                                             .rank = group == nullptr ? 0 : group->rank(),
                                             .world_size = group == nullptr ? 1 : group->size(),
                                             .openp5_compat = options.openp5_compat}));
    Registry<ScheduleFunction> schedules("schedule");
    OPENP5_RETURN_IF_ERROR(RegisterBuiltinSchedules(&schedules));
    OPENP5_ASSIGN_OR_RETURN(const ScheduleFunction* schedule,
                            schedules.Find(options.ScheduleName()));
    OPENP5_ASSIGN_OR_RETURN(Validation validation, Validation::Create(task, options, group));
    auto training = std::unique_ptr<Training>(new Training(
        task, options, folder, group, std::move(sampler), std::move(step), std::move(validation)));
    training->schedule_ = *schedule;
    OPENP5_ASSIGN_OR_RETURN(training->test_metrics_,
                            evaluators::ParseMetrics(task->evaluation().metrics));
    return training;
  }

  absl::StatusOr<TrainingSummary> Run();

 private:
  Training(TrainingTask* task, const TrainOptions& options, const RunFolder* folder,
           ProcessGroup* group, TaskSampler sampler, std::unique_ptr<TrainStep> step,
           Validation validation)
      : task_(*task),
        options_(options),
        folder_(folder),
        group_(group),
        groups_(task->groups()),
        sampler_(std::move(sampler)),
        validation_(std::move(validation)),
        step_(std::move(step)),
        saver_(task, folder, options.keep_best) {
    // OpenP5 accumulates nothing: there the option only shortens the schedule.
    accumulation_ = options.openp5_compat ? 1 : options.gradient_accumulation_steps;
    const int64_t divisor = options.openp5_compat ? options.gradient_accumulation_steps : 1;
    const int64_t batches = sampler_.batches_per_epoch();
    steps_per_epoch_ = (batches + accumulation_ - 1) / accumulation_;
    length_.total_steps = std::max<int64_t>(1, steps_per_epoch_ / divisor * options.epochs);
    if (options.max_steps > 0) {
      length_.total_steps = std::min(length_.total_steps, options.max_steps);
    }
    length_.warmup_steps =
        static_cast<int64_t>(options.warmup_prop * static_cast<double>(length_.total_steps));
    position_.world_size = world_size();
    position_.frozen = task->FrozenDigest();
    position_.losses.resize(groups_.size());
  }

  int64_t world_size() const { return group_ == nullptr ? 1 : group_->size(); }
  int64_t rank() const { return group_ == nullptr ? 0 : group_->rank(); }
  NamedTensors Trained() const { return models::TrainedParameters(task_.parameters()); }
  bool StepsAreDone() const {
    return options_.max_steps > 0 && position_.step >= options_.max_steps;
  }
  // An epoch that was begun is always finished: validated, and its checkpoints written.
  bool Done() const {
    return position_.batch == 0 &&
           (position_.epoch >= options_.epochs || StepsAreDone() || HasStalled());
  }
  bool HasStalled() const {
    return options_.patience > 0 && !position_.best.empty() &&
           position_.epoch - 1 - position_.best.front().epoch >= options_.patience;
  }
  int64_t LastStep() const {
    const int64_t steps = steps_per_epoch_ * options_.epochs;
    return options_.max_steps > 0 ? std::min(steps, options_.max_steps) : steps;
  }
  void SetTraining(bool training) {
    task_.SetTraining(training, options_.openp5_compat ? -1 : options_.dropout);
  }
  bool SaveIsDue() const {
    return (options_.save_steps > 0 && position_.step % options_.save_steps == 0) ||
           (options_.save_minutes > 0 && SecondsSince(saved_) >= 60 * options_.save_minutes);
  }
  absl::Status Log(const nlohmann::ordered_json& line) {
    return folder_ == nullptr ? absl::OkStatus() : folder_->Log(line);
  }
  absl::Status WriteReport() {
    return folder_ == nullptr ? absl::OkStatus() : folder_->WriteReport();
  }

  absl::Status Prepare();
  absl::Status CheckFrozen();
  absl::Status ShareState();
  absl::Status ChangeWorldSize();
  void WarnOfOtherLength();
  absl::Status TrainEpoch();
  absl::Status LogStep(double seconds_left);
  void ShowEpoch(bool is_best, const std::vector<LossMean>& validation) const;
  absl::StatusOr<GroupBatch> MakeBatch(int64_t number) const;
  absl::StatusOr<bool> Step(Prefetcher<GroupBatch>* batches, int64_t count);
  absl::Status FinishEpoch(double seconds);
  bool KeepEpoch(double value);
  absl::StatusOr<std::vector<evaluators::RankingResult>> MeasureTest(nlohmann::ordered_json line);
  absl::Status TestIfDue();
  absl::Status Test(int64_t epoch);
  absl::StatusOr<std::vector<evaluators::RankingResult>> TestBest();
  absl::Status LoadBest();
  absl::Status Save();

  TrainingTask& task_;
  const TrainOptions& options_;
  const RunFolder* const folder_;  // nullptr: another process writes
  ProcessGroup* const group_;      // nullptr: alone
  const std::vector<TaskGroup> groups_;
  TaskSampler sampler_;
  const Validation validation_;
  ScheduleFunction schedule_ = nullptr;
  const std::unique_ptr<TrainStep> step_;
  std::vector<evaluators::Metric> test_metrics_;
  ScheduleLength length_;
  int64_t accumulation_ = 1, steps_per_epoch_ = 0;
  TrainingPosition position_;
  std::optional<TrainMeter> meter_;  // of the epoch
  double gradient_norm_ = 0;         // of the last step, before clipping
  Clock::time_point saved_ = Clock::now();
  RunSaver saver_;  // last: it ends before what it uses
};

// Goes on from a state, if there is one, with the same weights, moments and position on every rank.
absl::Status Training::Prepare() {
  if (folder_ != nullptr && folder_->HasState()) {
    OPENP5_ASSIGN_OR_RETURN(
        position_, LoadTrainingState(folder_->StatePath(), Trained(), &step_->optimizer()));
    OPENP5_RETURN_IF_ERROR(CheckFrozen());
    OPENP5_RETURN_IF_ERROR(folder_->CutLog(position_.log_bytes));
    OPENP5_RETURN_IF_ERROR(saver_.Repair(position_));
  } else if (folder_ != nullptr) {
    OPENP5_RETURN_IF_ERROR(folder_->ClearLog());
  }
  if (group_ != nullptr) OPENP5_RETURN_IF_ERROR(ShareState());
  if (position_.world_size != world_size()) OPENP5_RETURN_IF_ERROR(ChangeWorldSize());
  if (position_.batch > sampler_.batches_per_epoch()) {
    return DataLoss("training state: batch ", position_.batch, " of an epoch of ",
                    sampler_.batches_per_epoch());
  }
  if (position_.losses.size() != groups_.size()) {
    return DataLoss("training state: losses of ", position_.losses.size(), " groups of ",
                    groups_.size());
  }
  if (folder_ != nullptr) OPENP5_RETURN_IF_ERROR(folder_->BeginEvents(position_.step));
  WarnOfOtherLength();
  if (position_.step > 0) {
    LogInfo(StrCat("resuming at epoch ", position_.epoch + 1, ", step ", position_.step));
    return TestIfDue();
  }
  return options_.test_before_train ? Test(0) : absl::OkStatus();
}

// The state of an adapter says nothing to another backbone.
absl::Status Training::CheckFrozen() {
  const std::string now = task_.FrozenDigest();
  if (position_.frozen.empty() || position_.frozen == now) {
    position_.frozen = now;
    return absl::OkStatus();
  }
  return FailedPrecondition(folder_->StatePath(), ": trained on a backbone of digest ",
                            position_.frozen, ", got one of ", now,
                            "; hint: its weights have changed since the run began");
}

absl::Status Training::ShareState() {
  OPENP5_RETURN_IF_ERROR(step_->ShareState());
  OPENP5_ASSIGN_OR_RETURN(const auto positions, group_->Gather(position_.ToText()));
  OPENP5_ASSIGN_OR_RETURN(position_, TrainingPosition::FromText(positions.front()));
  return absl::OkStatus();
}

// The same place of the epoch for another number of processes: rounded down to a whole round of
// batches, so that no sample is left out.
absl::Status Training::ChangeWorldSize() {
  const auto groups = static_cast<int64_t>(groups_.size());
  const int64_t round = position_.batch / groups * position_.world_size / world_size();
  LogInfo(StrCat("the run had ", position_.world_size, " processes, now ", world_size()));
  position_.batch = round * groups;
  position_.world_size = world_size();
  return absl::OkStatus();
}

// A run may go on with more epochs or other processes. Schedules go by the number of steps.
void Training::WarnOfOtherLength() {
  const int64_t before = std::exchange(position_.total_steps, length_.total_steps);
  if (position_.step == 0 || before == length_.total_steps) return;
  const double rate = options_.lr * schedule_(position_.step, length_);
  ScheduleLength old = length_;
  old.total_steps = before;
  old.warmup_steps = static_cast<int64_t>(options_.warmup_prop * static_cast<double>(before));
  const double old_rate = options_.lr * schedule_(position_.step, old);
  if (rate == old_rate) return;
  LogWarning(absl::StrFormat(
      "--schedule %s goes by the number of steps, which was %d and is now %d: the learning rate "
      "goes on at %g, and the result is neither that of a run of %d steps nor that of one of %d",
      options_.ScheduleName(), before, length_.total_steps, rate, before, length_.total_steps));
}

absl::StatusOr<TrainingSummary> Training::Run() {
  OPENP5_RETURN_IF_ERROR(Prepare());
  while (!Done()) OPENP5_RETURN_IF_ERROR(TrainEpoch());
  if (HasStalled()) {
    LogInfo(StrCat("no better epoch since epoch ", position_.best.front().epoch + 1, ": stopped"));
  }
  OPENP5_RETURN_IF_ERROR(saver_.Wait());
  OPENP5_RETURN_IF_ERROR(saver_.CheckComplete(position_));
  TrainingSummary summary{.epochs = position_.epoch,
                          .steps = position_.step,
                          .train_loss = position_.train_loss,
                          .validation_loss = position_.validation_loss};
  if (!position_.best.empty()) {
    summary.best_epoch = position_.best.front().epoch;
    const double value = position_.best.front().value;
    summary.best_validation = !validation_.is_on()    ? std::numeric_limits<double>::quiet_NaN()
                              : validation_.by_loss() ? value
                                                      : -value;
  }
  if (options_.test_after_train) {
    OPENP5_ASSIGN_OR_RETURN(summary.test, TestBest());
  }
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
  const int64_t total = sampler_.batches_per_epoch();
  const int64_t first = position_.batch, first_step = position_.step;
  const int64_t batch_samples = options_.batch_size * world_size();
  const auto start = Clock::now();
  meter_.emplace();
  {
    Prefetcher<GroupBatch> batches(total - first, /*ahead=*/4, [this, first](int64_t number) {
      return MakeBatch(first + number);
    });
    const int64_t left = (LastStep() - first_step) * accumulation_;  // batches of the whole run
    const int64_t now = std::min(total - first, left);
    ProgressBar progress(
        StrCat("epoch ", position_.epoch + 1, "/", options_.epochs), now * batch_samples,
        options_.pack_targets > 1 ? "runs of targets" : "samples", (left - now) * batch_samples);
    while (position_.batch < total && !StepsAreDone()) {
      const int64_t count = std::min(accumulation_, total - position_.batch);
      OPENP5_ASSIGN_OR_RETURN(const bool stop, Step(&batches, count));
      progress.Advance(count * batch_samples,
                       ProgressNote(Joined(position_.losses).Value(), meter_->Overall()));
      if (position_.step % options_.logging_step == 0) {
        const double seconds_a_step =
            SecondsSince(start) / static_cast<double>(position_.step - first_step);
        OPENP5_RETURN_IF_ERROR(
            LogStep(seconds_a_step * static_cast<double>(LastStep() - position_.step)));
      }
      if (stop || SaveIsDue()) OPENP5_RETURN_IF_ERROR(Save());
      if (stop) {
        OPENP5_RETURN_IF_ERROR(saver_.Wait());
        return absl::CancelledError(StrCat("training: stopped by a signal after step ",
                                           position_.step, "; hint: --resume goes on from there"));
      }
    }
    progress.Finish();
  }
  return FinishEpoch(SecondsSince(start));
}

absl::Status Training::LogStep(double seconds_left) {
  const Throughput throughput = meter_->SinceLast();
  return Log({{"event", "step"},
              {"epoch", position_.epoch + 1},
              {"step", position_.step},
              {"loss", Joined(position_.losses).Value()},
              {"losses", LossesJson(groups_, position_.losses)},
              {"learning_rate", options_.lr * schedule_(position_.step - 1, length_)},
              {"gradient_norm", gradient_norm_},
              {"samples_per_second", throughput.samples_per_second},
              {"tokens_per_second", throughput.tokens_per_second},
              {"padding_share", throughput.padding_share},
              {"resident_memory_bytes", ResidentMemory().value_or(0)},
              {"seconds_left", seconds_left}});
}

// Takes a step with the next `count` batches. True if a process got a signal that asks to stop.
absl::StatusOr<bool> Training::Step(Prefetcher<GroupBatch>* prefetcher, int64_t count) {
  std::vector<GroupBatch> batches;
  for (int64_t i = 0; i < count; ++i) {
    OPENP5_ASSIGN_OR_RETURN(std::optional<GroupBatch> batch, prefetcher->Next());
    OPENP5_CHECK(batch.has_value());
    batches.push_back(*std::move(batch));
  }
  StepResult result;
  OPENP5_RETURN_IF_ERROR(
      CatchTorch(StrCat("training step ", position_.step + 1), [&]() -> absl::Status {
        OPENP5_ASSIGN_OR_RETURN(
            result, step_->Run(batches, {.epoch = position_.epoch,
                                         .batch = position_.batch,
                                         .learning_rate =
                                             options_.lr * schedule_(position_.step, length_)}));
        return absl::OkStatus();
      }));
  meter_->Add(result.counts);
  gradient_norm_ = result.gradient_norm;
  for (size_t i = 0; i < batches.size(); ++i) {
    position_.losses[static_cast<size_t>(batches[i].group)].Add(result.losses[i]);
  }
  if (!std::isfinite(gradient_norm_) || !std::isfinite(Joined(position_.losses).Value())) {
    return FailedPrecondition("training: step ", position_.step + 1,
                              ": the loss is no longer a number; hint: a lower --lr");
  }
  position_.batch += count;
  ++position_.step;
  return result.stop;
}

// Puts the epoch just trained among the best, if it is one. True if it is the best of all.
bool Training::KeepEpoch(double value) {
  std::vector<EpochValue>& best = position_.best;
  const bool is_best = options_.valid_select == "none" || best.empty() || value < best[0].value;
  const auto place =
      is_best ? best.begin()
              : std::upper_bound(best.begin(), best.end(), value,
                                 [](double v, const EpochValue& other) { return v < other.value; });
  best.insert(place, {.epoch = position_.epoch, .value = value});
  if (best.size() > static_cast<size_t>(options_.keep_best))
    best.resize(static_cast<size_t>(options_.keep_best));
  return is_best;
}

absl::Status Training::FinishEpoch(double seconds) {
  SetTraining(false);
  const absl::StatusOr<ValidationResult> validation = validation_.Measure();
  if (absl::IsCancelled(validation.status())) {
    OPENP5_RETURN_IF_ERROR(Save());
    OPENP5_RETURN_IF_ERROR(saver_.Wait());
    return absl::CancelledError(StrCat("training: stopped by a signal after step ", position_.step,
                                       "; hint: --resume goes on from there"));
  }
  OPENP5_RETURN_IF_ERROR(validation.status());
  position_.validation_loss = Joined(validation->losses).Value();
  position_.train_loss = Joined(position_.losses).Value();
  const bool is_best = KeepEpoch(validation->value);
  ++position_.epoch;
  position_.batch = 0;
  ShowEpoch(is_best, validation->losses);
  nlohmann::ordered_json line = {{"event", "epoch"},
                                 {"epoch", position_.epoch},
                                 {"step", position_.step},
                                 {"train_loss", position_.train_loss}};
  if (validation_.is_on()) line["validation_loss"] = position_.validation_loss;
  line["train_losses"] = LossesJson(groups_, position_.losses);
  line.update(validation->log);
  line["seconds"] = seconds;
  line["best"] = is_best;
  position_.losses.assign(groups_.size(), {});
  OPENP5_RETURN_IF_ERROR(Log(line));
  OPENP5_RETURN_IF_ERROR(WriteReport());
  OPENP5_RETURN_IF_ERROR(Save());
  return TestIfDue();
}

void Training::ShowEpoch(bool is_best, const std::vector<LossMean>& validation) const {
  const auto validated = [this](double loss) {
    return validation_.is_on() ? absl::StrFormat(", validation loss %.4f", loss) : std::string();
  };
  LogInfo(absl::StrFormat("epoch %d: train loss %.4f%s%s", position_.epoch, position_.train_loss,
                          validated(position_.validation_loss), is_best ? " (best)" : ""));
  if (groups_.size() == 1) return;
  for (size_t group = 0; group < groups_.size(); ++group) {
    LogInfo(absl::StrFormat("  %s: train loss %.4f%s", groups_[group].name,
                            position_.losses[group].Value(), validated(validation[group].Value())));
  }
}

// The test of the epoch that ended last, unless it is done.
absl::Status Training::TestIfDue() {
  const bool is_due = options_.test_epoch > 0 && position_.batch == 0 && position_.epoch > 0 &&
                      position_.epoch % options_.test_epoch == 0;
  if (!is_due || position_.tested_epoch == position_.epoch) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(Test(position_.epoch));
  position_.tested_epoch = position_.epoch;
  return absl::OkStatus();
}

absl::Status Training::Test(int64_t epoch) {
  OPENP5_ASSIGN_OR_RETURN(const auto results, MeasureTest({{"event", "test"}, {"epoch", epoch}}));
  LogInfoLines(evaluators::ResultsTable(results));
  return absl::OkStatus();
}

// Evaluates the test split; `line` of metrics.jsonl gets what was measured.
absl::StatusOr<std::vector<evaluators::RankingResult>> Training::MeasureTest(
    nlohmann::ordered_json line) {
  SetTraining(false);
  OPENP5_ASSIGN_OR_RETURN(auto results, task_.Evaluate("test", test_metrics_));
  line["step"] = position_.step;
  line.update(evaluators::ResultsToJson(results));
  OPENP5_RETURN_IF_ERROR(Log(line));
  OPENP5_RETURN_IF_ERROR(WriteReport());
  return results;
}

// At the end: the parameters are those of the best checkpoint afterwards.
absl::StatusOr<std::vector<evaluators::RankingResult>> Training::TestBest() {
  if (folder_ != nullptr) OPENP5_RETURN_IF_ERROR(LoadBest());
  OPENP5_RETURN_IF_ERROR(step_->ShareWeights());
  const int64_t epoch = position_.best.empty() ? 0 : position_.best.front().epoch + 1;
  return MeasureTest({{"event", "test"}, {"checkpoint", "best"}, {"epoch", epoch}});
}

absl::Status Training::LoadBest() {
  const std::string path = folder_->CheckpointPath("best");
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors best, checkpoints::ReadWeights(path));
  const c10::AutoGradMode no_gradients(false);
  for (const auto& [name, parameter] : Trained()) {
    const at::Tensor* weight = FindTensor(best, name);
    if (weight == nullptr || weight->sizes() != parameter.sizes()) {
      return DataLoss(path, ": tensor '", name, "' is missing or of another shape");
    }
    parameter.copy_(*weight);
  }
  return absl::OkStatus();
}

absl::Status Training::Save() {
  saved_ = Clock::now();
  return saver_.Save(step_->optimizer(), &position_);
}

}  // namespace

absl::Status CheckTraining(const TrainOptions& options,
                           const evaluators::EvaluationOptions& evaluation, size_t tasks) {
  OPENP5_RETURN_IF_ERROR(options.TaskWeights(tasks).status());
  OPENP5_RETURN_IF_ERROR(options.SampleNumbers(tasks).status());
  OPENP5_RETURN_IF_ERROR(Validation::ParseSelection(options.valid_select).status());
  OPENP5_RETURN_IF_ERROR(evaluation.Check());
  return evaluators::ParseMetrics(evaluation.metrics).status();
}

absl::StatusOr<TrainingSummary> Train(TrainingTask* task, const TrainOptions& options,
                                      const RunFolder* folder, ProcessGroup* group) {
  OPENP5_ASSIGN_OR_RETURN(auto training, Training::Create(task, options, folder, group));
  return training->Run();
}

}  // namespace openp5::trainers

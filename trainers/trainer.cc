#include "trainers/trainer.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "evaluators/report.h"
#include "platform/base/log.h"
#include "platform/base/progress.h"
#include "platform/base/signals.h"
#include "platform/models/language_model.h"
#include "platform/tensor/runtime.h"
#include "trainers/optimizer.h"
#include "trainers/prefetcher.h"
#include "trainers/schedule.h"
#include "trainers/task_sampler.h"
#include "trainers/training_state.h"

namespace openp5::trainers {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct TrainingBatch {
  int64_t group = 0;
  models::TrainingBatch tensors = {};
};

class Training {
 public:
  static absl::StatusOr<std::unique_ptr<Training>> Create(TrainingTask* task,
                                                          const TrainOptions& options,
                                                          const RunFolder& folder) {
    const std::vector<TaskGroup> groups = task->groups();
    int32_t tasks = 0;
    for (const TaskGroup& group : groups) tasks = std::max(tasks, group.task + 1);
    OPENP5_ASSIGN_OR_RETURN(auto weights, options.TaskWeights(static_cast<size_t>(tasks)));
    OPENP5_ASSIGN_OR_RETURN(
        TaskSampler sampler,
        TaskSampler::Create(groups, {.batch_size = options.batch_size,
                                     .seed = static_cast<uint64_t>(options.seed)}));
    Registry<ScheduleFunction> schedules("schedule");
    OPENP5_RETURN_IF_ERROR(RegisterBuiltinSchedules(&schedules));
    OPENP5_ASSIGN_OR_RETURN(const ScheduleFunction* schedule,
                            schedules.Find(options.ScheduleName()));
    auto training =
        std::unique_ptr<Training>(new Training(task, options, folder, std::move(sampler)));
    training->schedule_ = *schedule;
    training->task_weights_ = std::move(weights);
    OPENP5_RETURN_IF_ERROR(training->PrepareSelection());
    return training;
  }

  absl::StatusOr<TrainingSummary> Run();

 private:
  Training(TrainingTask* task, const TrainOptions& options, const RunFolder& folder,
           TaskSampler sampler)
      : task_(*task),
        options_(options),
        folder_(folder),
        groups_(task->groups()),
        sampler_(std::move(sampler)),
        optimizer_(models::TrainedParameters(task->parameters()), OptimizerOptions()) {
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
  }

  absl::Status PrepareSelection();
  absl::Status Resume();
  absl::Status TrainEpoch();
  AdamWOptions OptimizerOptions() const {
    AdamWOptions adamw = task_.optimizer();
    adamw.epsilon = options_.adam_eps;
    adamw.weight_decay = options_.weight_decay;
    adamw.clip = options_.clip;
    return adamw;
  }
  absl::StatusOr<TrainingBatch> MakeBatch(int64_t number) const;
  absl::Status Step(Prefetcher<TrainingBatch>* batches, int64_t count);
  absl::Status FinishEpoch(double seconds);
  absl::StatusOr<double> ValidationLoss();
  absl::Status Test(int64_t epoch);
  absl::StatusOr<double> Select();
  absl::Status Save();
  bool Done() const {
    return position_.epoch >= options_.epochs ||
           (options_.max_steps > 0 && position_.step >= options_.max_steps);
  }
  void SetTraining(bool training) {
    task_.SetTraining(training, options_.openp5_compat ? -1 : options_.dropout);
  }

  TrainingTask& task_;
  const TrainOptions& options_;
  const RunFolder& folder_;
  const std::vector<TaskGroup> groups_;
  TaskSampler sampler_;
  ScheduleFunction schedule_ = nullptr;
  AdamW optimizer_;
  std::vector<double> task_weights_;
  std::vector<evaluators::Metric> test_metrics_, selection_metric_;  // the latter empty: by loss
  ScheduleLength length_;
  int64_t accumulation_ = 1, steps_per_epoch_ = 0;
  TrainingPosition position_;
  TrainingSummary summary_;
};

absl::Status Training::PrepareSelection() {
  Registry<evaluators::MetricFunction> registry("metric");
  OPENP5_RETURN_IF_ERROR(evaluators::RegisterBuiltinMetrics(&registry));
  OPENP5_ASSIGN_OR_RETURN(test_metrics_,
                          evaluators::ParseMetrics(registry, task_.evaluation().metrics));
  if (options_.valid_select == "loss" || options_.valid_select == "none") return absl::OkStatus();
  auto parsed = evaluators::ParseMetrics(registry, {options_.valid_select});
  if (!parsed.ok()) {
    return UsageError(
        StrCat("--valid-select: expected loss, none or a metric such as hit@10, got '",
               options_.valid_select, "'"));
  }
  selection_metric_ = *std::move(parsed);
  return absl::OkStatus();
}

absl::Status Training::Resume() {
  OPENP5_ASSIGN_OR_RETURN(position_, LoadTrainingState(folder_.StatePath(), task_.parameters(),
                                                       &optimizer_, task_.device()));
  if (position_.batch > sampler_.batches_per_epoch()) {
    return DataLoss(folder_.StatePath(), ": batch ", position_.batch, " of an epoch of ",
                    sampler_.batches_per_epoch());
  }
  LogInfo(StrCat("resuming at epoch ", position_.epoch + 1, ", step ", position_.step));
  return absl::OkStatus();
}

absl::StatusOr<TrainingSummary> Training::Run() {
  SeedDefaultGenerator(task_.device(), static_cast<uint64_t>(options_.seed));
  if (folder_.HasState()) {
    OPENP5_RETURN_IF_ERROR(Resume());
  } else if (options_.test_before_train) {
    OPENP5_RETURN_IF_ERROR(Test(0));
  }
  while (!Done()) OPENP5_RETURN_IF_ERROR(TrainEpoch());
  summary_.steps = position_.step;
  summary_.epochs = position_.epoch;
  summary_.best_epoch = position_.best_epoch;
  return summary_;
}

absl::StatusOr<TrainingBatch> Training::MakeBatch(int64_t number) const {
  const TaskSampler::Batch batch = sampler_.Get(number);
  TrainingBatch made{.group = batch.group};
  OPENP5_ASSIGN_OR_RETURN(made.tensors, task_.MakeBatch(batch.group, batch.samples));
  return made;
}

absl::Status Training::TrainEpoch() {
  sampler_.StartEpoch(position_.epoch);
  task_.StartEpoch(position_.epoch);
  SetTraining(true);
  const int64_t total = sampler_.batches_per_epoch();
  const int64_t first = position_.batch;
  const auto start = Clock::now();
  {
    Prefetcher<TrainingBatch> batches(total - first, /*ahead=*/4, [this, first](int64_t number) {
      return MakeBatch(first + number);
    });
    ProgressBar progress(StrCat("epoch ", position_.epoch + 1, "/", options_.epochs),
                         (total - first) * options_.batch_size, "samples");
    while (position_.batch < total && !Done()) {
      const int64_t count = std::min(accumulation_, total - position_.batch);
      OPENP5_RETURN_IF_ERROR(CatchTorch(StrCat("training step ", position_.step + 1),
                                        [&] { return Step(&batches, count); }));
      progress.Advance(count * options_.batch_size,
                       absl::StrFormat("loss %.4f", position_.loss_sum /
                                                        static_cast<double>(position_.loss_count)));
      if (position_.step % options_.logging_step == 0) {
        const double rate = static_cast<double>((position_.batch - first) * options_.batch_size) /
                            SecondsSince(start);
        OPENP5_RETURN_IF_ERROR(
            folder_.Log({{"event", "step"},
                         {"epoch", position_.epoch + 1},
                         {"step", position_.step},
                         {"loss", position_.loss_sum / static_cast<double>(position_.loss_count)},
                         {"learning_rate", options_.lr * schedule_(position_.step - 1, length_)},
                         {"samples_per_second", rate}}));
      }
      if (TerminationSignal() != 0) {
        OPENP5_RETURN_IF_ERROR(Save());
        return absl::CancelledError(StrCat("training: stopped by a signal after step ",
                                           position_.step, "; hint: --resume goes on from there"));
      }
      if (options_.save_steps > 0 && position_.step % options_.save_steps == 0) {
        OPENP5_RETURN_IF_ERROR(Save());
      }
    }
    progress.Finish();
  }
  return FinishEpoch(SecondsSince(start));
}

absl::Status Training::Step(Prefetcher<TrainingBatch>* batches, int64_t count) {
  double step_loss = 0;
  for (int64_t i = 0; i < count; ++i) {
    OPENP5_ASSIGN_OR_RETURN(const std::optional<TrainingBatch> batch, batches->Next());
    OPENP5_CHECK(batch.has_value());
    const at::Tensor loss = task_.Loss(batch->tensors);
    const int32_t task = groups_[static_cast<size_t>(batch->group)].task;
    (loss * (task_weights_[static_cast<size_t>(task)] / static_cast<double>(count))).backward();
    step_loss += loss.item<double>();
  }
  const double rate = options_.lr * schedule_(position_.step, length_);
  const double norm = optimizer_.Step(rate);
  optimizer_.ZeroGradients();
  if (!std::isfinite(norm) || !std::isfinite(step_loss)) {
    return FailedPrecondition("training: step ", position_.step + 1,
                              ": the loss is no longer a number; hint: a lower --lr");
  }
  position_.loss_sum += step_loss;
  position_.loss_count += count;
  position_.batch += count;
  ++position_.step;
  return absl::OkStatus();
}

absl::Status Training::FinishEpoch(double seconds) {
  SetTraining(false);
  summary_.train_loss = position_.loss_sum / static_cast<double>(position_.loss_count);
  const absl::StatusOr<double> value = Select();
  if (absl::IsCancelled(value.status())) OPENP5_RETURN_IF_ERROR(Save());
  OPENP5_RETURN_IF_ERROR(value.status());
  const bool best = *value < position_.best_value || options_.valid_select == "none";
  if (best) {
    position_.best_value = *value;
    position_.best_epoch = position_.epoch;
  }
  ++position_.epoch;
  position_.batch = 0;
  const nlohmann::json metrics = {{"epoch", position_.epoch},
                                  {"step", position_.step},
                                  {"train_loss", summary_.train_loss},
                                  {"validation_loss", summary_.validation_loss}};
  LogInfo(absl::StrFormat("epoch %d: train loss %.4f, validation loss %.4f%s", position_.epoch,
                          summary_.train_loss, summary_.validation_loss, best ? " (best)" : ""));
  nlohmann::ordered_json line = {{"event", "epoch"},
                                 {"epoch", position_.epoch},
                                 {"step", position_.step},
                                 {"train_loss", summary_.train_loss},
                                 {"validation_loss", summary_.validation_loss},
                                 {"seconds", seconds},
                                 {"best", best}};
  if (!selection_metric_.empty()) line["validation_metric"] = -*value;
  OPENP5_RETURN_IF_ERROR(folder_.Log(line));
  OPENP5_RETURN_IF_ERROR(folder_.WriteReport());
  position_.loss_sum = 0;
  position_.loss_count = 0;
  if (best) {
    OPENP5_RETURN_IF_ERROR(task_.Save(folder_.CheckpointPath("best"), task_.parameters(), metrics));
  }
  OPENP5_RETURN_IF_ERROR(Save());
  if (options_.test_epoch > 0 && position_.epoch % options_.test_epoch == 0) {
    return Test(position_.epoch);
  }
  return absl::OkStatus();
}

absl::StatusOr<double> Training::ValidationLoss() {
  const c10::AutoGradMode no_gradients(false);
  double sum = 0, weights = 0;
  for (int64_t group = 0; group < static_cast<int64_t>(groups_.size()); ++group) {
    const int64_t size = task_.ValidationSize(group);
    for (int64_t begin = 0; begin < size; begin += options_.batch_size) {
      if (TerminationSignal() != 0) return absl::CancelledError("validation: stopped by a signal");
      const int64_t end = std::min(size, begin + options_.batch_size);
      OPENP5_RETURN_IF_ERROR(CatchTorch("validation", [&]() -> absl::Status {
        OPENP5_ASSIGN_OR_RETURN(const models::TrainingBatch batch,
                                task_.MakeValidationBatch(group, begin, end));
        const double weight = task_.Weight(batch);
        sum += task_.Loss(batch).item<double>() * weight;
        weights += weight;
        return absl::OkStatus();
      }));
    }
  }
  return sum / weights;
}

absl::Status Training::Test(int64_t epoch) {
  SetTraining(false);
  OPENP5_ASSIGN_OR_RETURN(const auto results, task_.Evaluate("test", test_metrics_));
  LogInfo(StrCat("test split:\n", evaluators::ResultsTable(results)));
  nlohmann::ordered_json line = evaluators::ResultsToJson(results);
  line["event"] = "test";
  line["epoch"] = epoch;
  OPENP5_RETURN_IF_ERROR(folder_.Log(line));
  return folder_.WriteReport();
}

// Smaller is better: the validation loss, or the negative mean of a metric over all groups.
absl::StatusOr<double> Training::Select() {
  OPENP5_ASSIGN_OR_RETURN(summary_.validation_loss, ValidationLoss());
  if (selection_metric_.empty()) return summary_.validation_loss;
  OPENP5_ASSIGN_OR_RETURN(const auto results, task_.Evaluate("validation", selection_metric_));
  double sum = 0;
  for (const evaluators::RankingResult& result : results) sum += result.metrics.front().value;
  const double mean = sum / static_cast<double>(results.size());
  LogInfo(absl::StrFormat("validation %s %.4f", options_.valid_select, mean));
  return -mean;
}

absl::Status Training::Save() {
  // The state first: `last` is only for use, a run goes on from the state alone.
  OPENP5_RETURN_IF_ERROR(SaveTrainingState(folder_.StatePath(), task_.parameters(), optimizer_,
                                           position_, task_.device()));
  return task_.Save(folder_.CheckpointPath("last"), task_.parameters(),
                    {{"epoch", position_.epoch}, {"step", position_.step}});
}

}  // namespace

absl::StatusOr<TrainingSummary> Train(TrainingTask* task, const TrainOptions& options,
                                      const RunFolder& folder) {
  OPENP5_ASSIGN_OR_RETURN(auto training, Training::Create(task, options, folder));
  return training->Run();
}

}  // namespace openp5::trainers

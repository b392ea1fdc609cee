#include "trainers/training_memory.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "evaluators/metrics.h"
#include "platform/base/memory.h"
#include "platform/base/random.h"
#include "platform/models/common/language_model.h"
#include "platform/tensor/allocation_meter.h"
#include "platform/tensor/runtime.h"
#include "trainers/sharded_gradients.h"

namespace openp5::trainers {
namespace {

// Batches of each group that are drawn to find a large one.
constexpr int kDraws = 4;
// Code of optimizer, log and checkpoints, which the first save is the first to read in.
constexpr int64_t kFirstUse = int64_t{16} << 20;
// A part of a batch that is measured is at most the whole divided by this.
constexpr int64_t kLargestPart = 4;

struct DrawnBatch {
  int64_t group = 0;
  std::vector<int32_t> samples = {};
  double tokens = 0;
  size_t shards = 1;
};

// What memory grows with.
double Tokens(const models::TrainingBatch& batch) {
  return static_cast<double>(batch.input.tokens.size(0) + batch.labels.tokens.size(0));
}

// One with many tokens.
absl::StatusOr<DrawnBatch> DrawLargeBatch(const TrainingTask& task, const TrainOptions& options) {
  Random random(static_cast<uint64_t>(options.seed));
  DrawnBatch largest;
  const std::vector<TaskGroup> groups = task.groups();
  for (int64_t group = 0; group < static_cast<int64_t>(groups.size()); ++group) {
    const auto size = static_cast<uint64_t>(groups[static_cast<size_t>(group)].size);
    for (int draw = 0; draw < kDraws; ++draw) {
      DrawnBatch drawn{.group = group};
      for (int64_t i = 0; i < options.sampling.batch_size; ++i) {
        drawn.samples.push_back(static_cast<int32_t>(random.Below(size)));
      }
      OPENP5_ASSIGN_OR_RETURN(const auto batch, task.MakeBatch(group, drawn.samples));
      drawn.tokens = Tokens(batch);
      drawn.shards = CountShards(task, options, batch);
      if (drawn.tokens > largest.tokens) largest = std::move(drawn);
    }
  }
  return largest;
}

// Peaks of a forward and a backward pass: until the loss is there, then until each gradient is. In
// between, memory grows evenly with the batch; over the whole pass it does not, since activations
// grow and gradients do not.
struct StepPeaks {
  double tokens = 0;
  std::vector<int64_t> bytes = {};
};

class StepMeasurement {
 public:
  StepMeasurement(TrainingTask* task, bool accumulates)
      : task_(*task),
        trained_(models::TrainedParameters(task->parameters())),
        accumulates_(accumulates) {
    at::Generator generator = at::globalContext().defaultGenerator(task_.device());
    const std::lock_guard lock(generator.mutex());
    random_state_ = generator.get_state();
  }
  ~StepMeasurement() {
    SetGradients(/*defined=*/false);
    at::Generator generator = at::globalContext().defaultGenerator(task_.device());
    const std::lock_guard lock(generator.mutex());
    generator.set_state(random_state_);
  }
  StepMeasurement(const StepMeasurement&) = delete;
  StepMeasurement& operator=(const StepMeasurement&) = delete;

  absl::StatusOr<StepPeaks> Measure(int64_t group, std::span<const int32_t> samples) {
    OPENP5_ASSIGN_OR_RETURN(const models::TrainingBatch batch, task_.MakeBatch(group, samples));
    // A second batch of a step finds the gradients of the first.
    SetGradients(accumulates_);
    StepPeaks peaks{.tokens = Tokens(batch)};
    AllocationMeter meter;
    std::vector<std::pair<at::Tensor, unsigned>> hooks;
    for (const auto& [name, parameter] : trained_) {
      hooks.emplace_back(parameter, parameter.register_hook([&](const at::Tensor&) {
        peaks.bytes.push_back(meter.TakePeak());
      }));
    }
    const absl::Status passed = CatchTorch("training", [&] {
      const at::Tensor loss = task_.Loss(batch);
      peaks.bytes.push_back(meter.TakePeak());
      loss.backward();
      peaks.bytes.push_back(meter.TakePeak());
      return absl::OkStatus();
    });
    for (const auto& [parameter, hook] : hooks) parameter.remove_hook(hook);
    OPENP5_RETURN_IF_ERROR(passed);
    return peaks;
  }

 private:
  void SetGradients(bool defined) {
    for (const auto& [name, parameter] : trained_) {
      parameter.mutable_grad() = defined ? at::zeros_like(parameter.detach()) : at::Tensor();
    }
  }

  TrainingTask& task_;
  const NamedTensors trained_;
  const bool accumulates_;
  at::Tensor random_state_;
};

// The most that `tokens` of a batch take in one pass, from two parts of it.
int64_t PassBytes(const StepPeaks& small, const StepPeaks& large, double tokens) {
  int64_t most = 0;
  for (size_t i = 0; i < large.bytes.size(); ++i) {
    const SizedBytes before{small.tokens, small.bytes[std::min(i, small.bytes.size() - 1)]};
    most = std::max(most, ExtrapolateBytes(before, {large.tokens, large.bytes[i]}, tokens));
  }
  return most;
}

// The most that a whole batch takes: passes of as many shards as there are threads, and the sums of
// gradients that wait for their neighbours, one at most for each doubling of the shards.
int64_t BatchBytes(const StepPeaks& small, const StepPeaks& large, const DrawnBatch& drawn,
                   int64_t trained) {
  const auto workers = std::min(drawn.shards, static_cast<size_t>(at::get_num_threads()));
  const double tokens = drawn.tokens / static_cast<double>(drawn.shards);
  return static_cast<int64_t>(workers) * PassBytes(small, large, tokens) +
         (std::bit_width(drawn.shards) - 1) * trained;
}

int64_t TrainedBytes(const TrainingTask& task) {
  int64_t bytes = 0;
  for (const auto& [name, parameter] : models::TrainedParameters(task.parameters())) {
    if (parameter.is_cpu()) bytes += static_cast<int64_t>(parameter.nbytes());
  }
  return bytes;
}

absl::StatusOr<int64_t> MeasureStep(TrainingTask* task, const TrainOptions& options,
                                    bool accumulates) {
  OPENP5_ASSIGN_OR_RETURN(const DrawnBatch drawn, DrawLargeBatch(*task, options));
  const std::span<const int32_t> samples = drawn.samples;
  StepMeasurement measurement(task, accumulates);
  OPENP5_ASSIGN_OR_RETURN(StepPeaks small, measurement.Measure(drawn.group, samples.first(1)));
  // Nothing is known of how memory grows: all of it is taken to grow with the batch.
  if (samples.size() == 1) return PassBytes({.bytes = {0}}, small, drawn.tokens);
  // What the first pass has made for all later ones is there now.
  OPENP5_ASSIGN_OR_RETURN(small, measurement.Measure(drawn.group, samples.first(1)));
  OPENP5_ASSIGN_OR_RETURN(StepPeaks large, measurement.Measure(drawn.group, samples.first(2)));
  for (size_t part = 4; part * kLargestPart <= samples.size(); part *= 2) {
    const auto next = static_cast<int64_t>(PassBytes(small, large, 2 * large.tokens));
    if (next > AvailableMemory().value_or(next)) break;
    small = std::move(large);
    OPENP5_ASSIGN_OR_RETURN(large, measurement.Measure(drawn.group, samples.first(part)));
  }
  return BatchBytes(small, large, drawn, TrainedBytes(*task));
}

// Returns whether steps follow the first save.
bool SavesBesideSteps(const TrainOptions& options, const std::vector<TaskGroup>& groups,
                      int64_t accumulation, int64_t processes) {
  int64_t largest = 0;
  for (const TaskGroup& group : groups) largest = std::max(largest, group.size);
  const int64_t round = options.sampling.batch_size * processes;
  const int64_t batches = (largest + round - 1) / round * static_cast<int64_t>(groups.size());
  const int64_t steps = (batches + accumulation - 1) / accumulation;
  int64_t first_save = steps, last = steps * options.schedule.epochs;
  if (options.saving.save_steps > 0) first_save = std::min(first_save, options.saving.save_steps);
  if (options.saving.save_minutes > 0) first_save = 1;
  if (options.schedule.max_steps > 0) last = std::min(last, options.schedule.max_steps);
  return first_save < last;
}

bool Searches(const SelectionOptions& options) {
  return options.test_before_train || options.test_after_train || options.test_epoch > 0 ||
         SelectByOf(options.valid_select) == SelectBy::kMetric;
}

absl::StatusOr<int64_t> MeasureEvaluation(TrainingTask* task) {
  OPENP5_ASSIGN_OR_RETURN(const auto metrics, evaluators::ParseMetrics(task->evaluation().metrics));
  return task->EvaluationMemory(evaluators::LargestK(metrics));
}

}  // namespace

int64_t TrainingMemory::Most() const {
  const int64_t beside_step = saves_beside_steps ? copies : 0;
  return kFirstUse + moments + file + std::max(step + beside_step, evaluation + copies);
}

absl::StatusOr<TrainingMemory> MeasureTrainingMemory(TrainingTask* task,
                                                     const TrainOptions& options,
                                                     int64_t processes) {
  const int64_t accumulation = options.BatchesPerStep();
  TrainingMemory memory;
  task->StartEpoch(0);
  task->SetTraining(true, options.Dropout());
  const absl::StatusOr<int64_t> step = MeasureStep(task, options, accumulation > 1);
  task->SetTraining(false, {});
  OPENP5_RETURN_IF_ERROR(step.status());
  if (Searches(options.selection)) {
    OPENP5_ASSIGN_OR_RETURN(memory.evaluation, MeasureEvaluation(task));
  }
  const int64_t trained = TrainedBytes(*task);
  memory.moments = 2 * trained;
  memory.copies = 3 * trained;
  memory.file = trained;
  // Gradients that are there before a batch, and those that processes exchange.
  memory.step =
      AllocatorBytes(*step) + (accumulation > 1 ? trained : 0) + (processes > 1 ? trained : 0);
  memory.saves_beside_steps = SavesBesideSteps(options, task->groups(), accumulation, processes);
  return memory;
}

absl::Status ReserveTrainingMemory(TrainingTask* task, const TrainOptions& options,
                                   const TrainingProcesses& processes) {
  OPENP5_ASSIGN_OR_RETURN(const TrainingMemory memory,
                          MeasureTrainingMemory(task, options, processes.all));
  return ReserveMemory(
      {.what = processes.all > 1 ? "training, each process" : "training",
       .peak = PeakWith(memory.Most()),
       .hint = "a smaller --batch-size, with --gradient-accumulation-steps for the "
               "same steps, or --gradient-checkpointing"},
      MemoryInReach(processes.on_this_machine));
}

}  // namespace openp5::trainers

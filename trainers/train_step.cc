#include "trainers/train_step.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "platform/base/signals.h"
#include "platform/models/common/language_model.h"
#include "platform/tensor/runtime.h"
#include "platform/tensor/workers.h"
#include "trainers/sharded_gradients.h"

namespace openp5::trainers {
namespace {

AdamWOptions AdamWOf(const TrainingTask& task, const OptimizerOptions& options) {
  AdamWOptions adamw = task.optimizer();
  adamw.epsilon = options.adam_eps;
  adamw.weight_decay = options.weight_decay;
  adamw.clip = options.clip;
  return adamw;
}

// What the losses of each group are multiplied by: the weight of its task.
absl::StatusOr<std::vector<double>> GroupWeights(const std::vector<TaskGroup>& groups,
                                                 const TrainOptions& options) {
  int32_t tasks = 0;
  for (const TaskGroup& group : groups) tasks = std::max(tasks, group.task + 1);
  OPENP5_ASSIGN_OR_RETURN(const auto task_weights, options.TaskWeights(static_cast<size_t>(tasks)));
  std::vector<double> weights;
  for (const TaskGroup& group : groups) {
    weights.push_back(task_weights[static_cast<size_t>(group.task)]);
  }
  return weights;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainStep>> TrainStep::Create(TrainingTask* task,
                                                             const TrainOptions& options,
                                                             ProcessGroup* processes) {
  OPENP5_ASSIGN_OR_RETURN(std::vector<double> weights, GroupWeights(task->groups(), options));
  return std::unique_ptr<TrainStep>(new TrainStep(task, options, processes, std::move(weights)));
}

TrainStep::TrainStep(TrainingTask* task, const TrainOptions& options, ProcessGroup* processes,
                     std::vector<double> group_weights)
    : task_(*task),
      options_(options),
      processes_(processes),
      group_weights_(std::move(group_weights)),
      optimizer_(models::TrainedParameters(task->parameters()), AdamWOf(*task, options.optimizer)) {
}

absl::Status TrainStep::ShareWeights() const {
  if (processes_ == nullptr) return absl::OkStatus();
  std::vector<at::Tensor> weights;  // without their history: sharing is no part of a loss
  for (const auto& [name, tensor] : task_.parameters()) weights.push_back(tensor.detach());
  return processes_->Broadcast(std::move(weights));
}

absl::Status TrainStep::ShareState(TrainingPosition* position) {
  if (processes_ == nullptr) return absl::OkStatus();
  OPENP5_RETURN_IF_ERROR(ShareWeights());
  std::vector<at::Tensor> moments;
  for (const auto& [name, tensor] : optimizer_.State()) moments.push_back(tensor);
  OPENP5_RETURN_IF_ERROR(processes_->Broadcast(std::move(moments)));
  OPENP5_ASSIGN_OR_RETURN(const auto positions, processes_->Gather(position->ToText()));
  OPENP5_ASSIGN_OR_RETURN(*position, TrainingPosition::FromText(positions.front()));
  OPENP5_ASSIGN_OR_RETURN(
      reducer_,
      GradientReducer::Create(*processes_, models::TrainedParameters(task_.parameters())));
  return absl::OkStatus();
}

// Returns each batch's weight summed over the processes, whose parts of the batch make one mean.
absl::StatusOr<std::vector<double>> TrainStep::GlobalWeights(
    const std::vector<GroupBatch>& batches) const {
  std::vector<double> weights;
  for (const GroupBatch& batch : batches) weights.push_back(task_.Weight(batch.tensors));
  if (processes_ == nullptr) return weights;
  return processes_->Sum(std::move(weights));
}

// Adds the gradients of `factor` times the batch's loss to the parameters', and returns the loss.
// With a `reducer` the gradients are averages over the processes afterwards.
double TrainStep::AddGradients(const models::TrainingBatch& batch, double factor, uint64_t seed,
                               GradientReducer* reducer) {
  const size_t shards = CountShards(task_, options_, batch);
  if (shards > 1) {
    const LossGradients computed =
        ComputeSharded(&task_, batch, {.shards = shards, .factor = factor, .seed = seed});
    AddShardedGradients(models::TrainedParameters(task_.parameters()), computed.gradients, reducer);
    return computed.loss;
  }
  std::optional<SingleThread> alone;
  if (IsSharded(task_, options_)) alone.emplace();
  SeedGenerator(task_.device(), seed);
  const at::Tensor loss = task_.Loss(batch);
  if (reducer != nullptr) reducer->PrepareBackward();
  (loss * factor).backward();
  return loss.item<double>();
}

absl::StatusOr<StepResult> TrainStep::Run(const std::vector<GroupBatch>& batches,
                                          const StepPlace& place) {
  StepResult result;
  OPENP5_RETURN_IF_ERROR(CatchTorch(StrCat("training step ", place.step + 1),
                                    [&] { return Take(batches, place, &result); }));
  return result;
}

absl::Status TrainStep::Take(const std::vector<GroupBatch>& batches, const StepPlace& place,
                             StepResult* result) {
  OPENP5_ASSIGN_OR_RETURN(const auto weights, GlobalWeights(batches));
  const int64_t rank = processes_ == nullptr ? 0 : processes_->rank();
  const int64_t world_size = processes_ == nullptr ? 1 : processes_->size();
  for (size_t i = 0; i < batches.size(); ++i) {
    const auto& [group, batch] = batches[i];
    const uint64_t seed = BatchSeed(
        static_cast<uint64_t>(options_.seed),
        {.epoch = place.epoch, .batch = place.batch + static_cast<int64_t>(i), .rank = rank});
    const double share = task_.Weight(batch) / weights[i];
    // Gradients are averaged over the processes: times their number, they are added.
    const double factor = group_weights_[static_cast<size_t>(group)] * share *
                          static_cast<double>(world_size) / static_cast<double>(batches.size());
    GradientReducer* const reducer = i + 1 == batches.size() ? reducer_.get() : nullptr;
    result->losses.push_back(share * AddGradients(batch, factor, seed, reducer));
    result->counts.Add(batch, task_.Examples(batch));
  }
  result->gradient_norm = optimizer_.Step(place.learning_rate);
  optimizer_.ZeroGradients();
  return AddOverProcesses(result);
}

// Adds up the processes' shares of the losses and counts, and asks whether any of them is to stop.
absl::Status TrainStep::AddOverProcesses(StepResult* result) const {
  result->stop = TerminationSignal() != 0;
  if (processes_ == nullptr) return absl::OkStatus();
  BatchCounts& counts = result->counts;
  std::vector<double> sums = result->losses;
  sums.insert(sums.end(), {counts.samples, counts.tokens, counts.padded_tokens,
                           static_cast<double>(result->stop)});
  OPENP5_ASSIGN_OR_RETURN(sums, processes_->Sum(std::move(sums)));
  const auto end = sums.end() - 4;
  result->losses.assign(sums.begin(), end);
  counts = {.samples = end[0], .tokens = end[1], .padded_tokens = end[2]};
  result->stop = end[3] > 0;
  return absl::OkStatus();
}

}  // namespace openp5::trainers

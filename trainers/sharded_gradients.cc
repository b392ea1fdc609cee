#include "trainers/sharded_gradients.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "platform/base/random.h"
#include "platform/models/common/cut_batch.h"
#include "platform/models/common/dropout.h"
#include "platform/models/common/language_model.h"
#include "platform/tensor/workers.h"

namespace openp5::trainers {
namespace {

using Gradients = std::vector<at::Tensor>;

constexpr size_t kMostShards = 8;
// Larger models' operations are long enough to be shared among threads, and their gradients too
// large to be there once a shard.
constexpr int64_t kMostTrained = int64_t{1} << 24;
// With enough threads a batch takes work / shards, and what each shard adds, the start of its
// operations and the sum of its gradients, times shards: least where shards² = work / kShardCost.
// Work is in parameters times tokens.
constexpr double kShardCost = 7e7;

int64_t CountNumbers(const NamedTensors& tensors) {
  int64_t count = 0;
  for (const auto& [name, tensor] : tensors) count += tensor.numel();
  return count;
}

// Whether nobody else sees the tensor's memory, so that it may be written.
bool IsOwn(const at::Tensor& tensor) {
  return tensor.use_count() == 1 && tensor.storage().use_count() == 1 && tensor.is_contiguous();
}

void AddTo(const at::Tensor& other, at::Tensor& sum) {
  if (!other.defined()) return;
  if (!sum.defined()) {
    sum = IsOwn(other) ? other : other.clone(at::MemoryFormat::Contiguous);
  } else if (IsOwn(sum)) {
    sum.add_(other);
  } else {
    sum = sum.contiguous() + other;
  }
}

// A sum in pairs of neighbours, the pairs in pairs again: its order does not depend on who brings
// what when. Thread-safe.
class PairwiseSum {
 public:
  explicit PairwiseSum(size_t count) : count_(count), nodes_(2 * count) {}  // a power of two

  // Adds what number `leaf` brings, and all that becomes complete by it.
  void Add(size_t leaf, Gradients gradients) {
    for (size_t node = count_ + leaf; node > 1; node /= 2) {
      Gradients sibling;
      {
        const absl::MutexLock lock(&mutex_);
        if (nodes_[node ^ 1].empty()) {
          nodes_[node] = std::move(gradients);
          return;
        }
        sibling = std::exchange(nodes_[node ^ 1], {});
      }
      if (node % 2 == 1) std::swap(gradients, sibling);
      for (size_t i = 0; i < gradients.size(); ++i) AddTo(sibling[i], gradients[i]);
    }
    sum_ = std::move(gradients);
  }

  Gradients Take() { return std::move(sum_); }

 private:
  const size_t count_;
  absl::Mutex mutex_;
  std::vector<Gradients> nodes_;  // of a heap: node n has the children 2 n and 2 n + 1
  Gradients sum_;
};

}  // namespace

bool IsSharded(const TrainingTask& task, const TrainOptions& options) {
  return task.device().is_cpu() && !options.openp5_compat && !options.gradient_checkpointing &&
         CountNumbers(models::TrainedParameters(task.parameters())) <= kMostTrained;
}

size_t CountShards(const TrainingTask& task, const TrainOptions& options,
                   const models::TrainingBatch& batch) {
  if (!IsSharded(task, options)) return 1;
  const auto work = static_cast<double>(CountNumbers(task.parameters())) *
                    static_cast<double>(batch.input.tokens.size(0));
  size_t shards = 1;
  while (2 * shards <= std::min(kMostShards, batch.input.lengths.size()) &&
         work >= kShardCost * static_cast<double>(4 * shards * shards)) {
    shards *= 2;
  }
  return shards;
}

LossGradients ComputeSharded(TrainingTask* task, const models::TrainingBatch& batch,
                             const ShardedBatch& sharded) {
  std::vector<at::Tensor> trained;
  for (const auto& [name, tensor] : models::TrainedParameters(task->parameters())) {
    trained.push_back(tensor);
  }
  const std::vector<models::TrainingBatch> shards = models::CutBatch(batch, sharded.shards);
  const double weight = task->Weight(batch);
  std::vector<double> losses(shards.size());
  PairwiseSum gradients(shards.size());
  std::atomic<size_t> next = 0;
  const auto workers = std::min(shards.size(), static_cast<size_t>(at::get_num_threads()));
  RunWorkers(static_cast<int>(workers), [&] {
    const SingleThread alone;
    for (size_t shard = next++; shard < shards.size(); shard = next++) {
      const models::OwnDropoutMasks masks(SplitMix64(sharded.seed + shard));
      const double share = task->Weight(shards[shard]) / weight;
      const at::Tensor loss = task->Loss(shards[shard]);
      losses[shard] = loss.item<double>() * share;
      gradients.Add(shard, torch::autograd::grad({loss * (sharded.factor * share)}, trained, {},
                                                 /*retain_graph=*/std::nullopt,
                                                 /*create_graph=*/false, /*allow_unused=*/true));
    }
  });
  return {.loss = std::accumulate(losses.begin(), losses.end(), 0.0),
          .gradients = gradients.Take()};
}

void AddShardedGradients(const NamedTensors& trained, const std::vector<at::Tensor>& gradients,
                         GradientReducer* reducer) {
  std::vector<at::Tensor> parameters, given;
  for (size_t i = 0; i < trained.size(); ++i) {
    if (!gradients[i].defined()) continue;
    const at::Tensor& parameter = trained[i].second;
    if (reducer == nullptr) {
      AddTo(gradients[i], parameter.mutable_grad());
    } else {
      parameters.push_back(parameter);
      given.push_back(gradients[i]);
    }
  }
  if (reducer == nullptr) return;
  reducer->PrepareBackward();
  torch::autograd::backward(parameters, given);
}

}  // namespace openp5::trainers

#include "trainers/task_sampler.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randperm.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace openp5::trainers {

absl::StatusOr<TaskSampler> TaskSampler::Create(std::vector<TaskGroup> groups,
                                                const TaskSamplerOptions& options) {
  if (groups.empty()) return InvalidArgument("training: expected at least one dataset and task");
  OPENP5_CHECK(options.batch_size > 0);
  for (const TaskGroup& group : groups) {
    const int64_t fewest = options.openp5_compat ? options.world_size : 1;
    if (group.size < fewest || group.size > std::numeric_limits<int32_t>::max()) {
      return InvalidArgument("training: expected ", fewest,
                             " to 2147483647 samples of each dataset and task, got ", group.size);
    }
  }
  return TaskSampler(std::move(groups), options);
}

TaskSampler::TaskSampler(std::vector<TaskGroup> groups, const TaskSamplerOptions& options)
    : groups_(std::move(groups)), options_(options) {
  for (const TaskGroup& group : groups_) {
    order_.emplace_back(static_cast<size_t>(group.size));
    std::iota(order_.back().begin(), order_.back().end(), 0);
  }
}

void TaskSampler::StartEpoch(int64_t epoch) {
  OPENP5_CHECK(epoch >= epoch_);
  while (epoch_ < epoch) Permute(++epoch_);
}

void TaskSampler::Permute(int64_t epoch) {
  std::map<int32_t, at::Generator> generators;
  for (size_t g = 0; g < groups_.size(); ++g) {
    at::Generator& generator = generators[groups_[g].dataset];
    if (!generator.defined()) {
      generator = at::detail::createCPUGenerator(options_.seed + static_cast<uint64_t>(epoch));
    }
    const at::Tensor permutation = at::randperm(groups_[g].size, generator, at::kLong);
    const int64_t* from = permutation.const_data_ptr<int64_t>();
    std::vector<int32_t> permuted(order_[g].size());
    for (size_t i = 0; i < permuted.size(); ++i) {
      permuted[i] = order_[g][static_cast<size_t>(from[i])];
    }
    order_[g] = std::move(permuted);
  }
}

int64_t TaskSampler::batches_per_epoch() const {
  int64_t largest = 0;
  for (const TaskGroup& group : groups_) largest = std::max(largest, group.size);
  const int64_t together = options_.batch_size * options_.world_size;
  const int64_t rounds = (largest + together - 1) / together;
  return rounds * static_cast<int64_t>(groups_.size());
}

int64_t TaskSampler::Place(int64_t number, int64_t size) const {
  const int64_t ranks = options_.world_size;
  if (!options_.openp5_compat) return (number * ranks + options_.rank) % size;
  const int64_t own_size = (size - options_.rank + ranks - 1) / ranks;
  return number % own_size * ranks + options_.rank;
}

TaskSampler::Batch TaskSampler::Get(int64_t number) const {
  OPENP5_CHECK(epoch_ >= 0 && number >= 0 && number < batches_per_epoch());
  const auto groups = static_cast<int64_t>(groups_.size());
  Batch batch{.group = number % groups};
  const int64_t round = number / groups;
  const std::vector<int32_t>& order = order_[static_cast<size_t>(batch.group)];
  const auto size = static_cast<int64_t>(order.size());
  for (int64_t i = 0; i < options_.batch_size; ++i) {
    batch.samples.push_back(
        order[static_cast<size_t>(Place(round * options_.batch_size + i, size))]);
  }
  return batch;
}

}  // namespace openp5::trainers

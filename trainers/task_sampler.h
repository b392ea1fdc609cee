#ifndef OPENP5_TRAINERS_TASK_SAMPLER_H_
#define OPENP5_TRAINERS_TASK_SAMPLER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5::trainers {

// The samples of one dataset under one task.
struct TaskGroup {
  int32_t dataset = 0;  // groups of one dataset share a source of randomness
  int64_t size = 0;     // > 0
  int32_t task = 0;     // has a weight of its own
  std::string name = {};
};

struct TaskSamplerOptions {
  int64_t batch_size = 64;  // > 0
  uint64_t seed = 1;
  int64_t rank = 0, world_size = 1;
  // OpenP5: each rank has every n-th sample of a group and begins with its own again, so that where
  // the group's size is no multiple of the ranks, their samples together are those of no process.
  bool openp5_compat = false;
};

// OpenP5's alternating order (Xu et al., 2024, section 3.3): one batch of each group in turn; an
// epoch ends with the largest group, shorter ones start again, also inside a batch. Every epoch
// permutes each group's present order again, so epoch e can only be reached through those before
// it. The permutations are those of torch.randperm. With several ranks, batch n of all of them
// together is batch n of one process whose batches are as large. Not thread-safe. Memory: 4 bytes a
// sample.
class TaskSampler {
 public:
  struct Batch {
    int64_t group = 0;
    std::vector<int32_t> samples = {};  // numbers within the group
  };

  // InvalidArgument without groups, or for an empty one or one of more than 2^31 samples; with
  // openp5_compat, of fewer samples than ranks.
  static absl::StatusOr<TaskSampler> Create(std::vector<TaskGroup> groups,
                                            const TaskSamplerOptions& options);

  // Permutes up to and including epoch `epoch` (from 0). Not before the present one.
  void StartEpoch(int64_t epoch);
  // Batches of this rank in every epoch.
  int64_t batches_per_epoch() const;
  // Batch `number` (from 0) of the present epoch.
  Batch Get(int64_t number) const;

 private:
  TaskSampler(std::vector<TaskGroup> groups, const TaskSamplerOptions& options);
  void Permute(int64_t epoch);
  // Where in the order of a group of `size` samples this rank's sample `number` of an epoch is.
  int64_t Place(int64_t number, int64_t size) const;

  std::vector<TaskGroup> groups_;
  TaskSamplerOptions options_;
  std::vector<std::vector<int32_t>> order_;  // [groups][size]
  int64_t epoch_ = -1;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_TASK_SAMPLER_H_

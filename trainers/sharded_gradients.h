#ifndef OPENP5_TRAINERS_SHARDED_GRADIENTS_H_
#define OPENP5_TRAINERS_SHARDED_GRADIENTS_H_

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/distributed/gradient_reducer.h"
#include "platform/models/common/packed_batch.h"
#include "platform/tensor/named_tensors.h"
#include "trainers/train_options.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// Whether batches of `task` are computed in shards, parts whose forward and backward passes run
// side by side, one thread each. So it is for a small model on a CPU, whose operations are too
// short to be shared among threads; not with --gradient-checkpointing, whose backward pass cannot
// be told apart by shard, nor with --openp5-compat.
bool IsSharded(const TrainingTask& task, const TrainOptions& options);

// The number of shards of `batch`, 1 if there is little to compute. Depends on the task, the
// options and the batch alone, never on the threads, as the last bits of the gradients depend on
// it.
size_t CountShards(const TrainingTask& task, const TrainOptions& options,
                   const models::TrainingBatch& batch);

struct ShardedBatch {
  size_t shards = 1;  // from CountShards
  double factor = 1;  // of the loss whose gradients are asked for
  uint64_t seed = 0;  // of what the batch draws
};

struct LossGradients {
  double loss = 0;  // the batch's mean, without the factor
  // Of factor times loss, one for each trained parameter, in their order; undefined where the loss
  // does not depend on the parameter.
  std::vector<at::Tensor> gradients = {};
};

// Loss and gradients of `batch`, the same for any number of threads: each shard has a generator of
// its own, and what shards bring is added up in pairs of neighbours. Parameters' own gradients stay
// as they are. Throws what LibTorch throws. Memory: activations of as many shards as there are
// threads, and gradients of about as many more.
LossGradients ComputeSharded(TrainingTask* task, const models::TrainingBatch& batch,
                             const ShardedBatch& sharded);

// Adds `gradients`, from ComputeSharded, to those of the parameters. With a reducer they are
// averages over the processes afterwards. Not to be used again.
void AddShardedGradients(const NamedTensors& trained, const std::vector<at::Tensor>& gradients,
                         GradientReducer* reducer);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_SHARDED_GRADIENTS_H_

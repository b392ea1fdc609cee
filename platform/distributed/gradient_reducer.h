#ifndef OPENP5_PLATFORM_DISTRIBUTED_GRADIENT_REDUCER_H_
#define OPENP5_PLATFORM_DISTRIBUTED_GRADIENT_REDUCER_H_

#include <memory>

#include "platform/distributed/process_group.h"
#include "platform/tensor/named_tensors.h"

namespace openp5 {

// Averages gradients over the ranks while the backward pass is still computing the earlier layers':
// c10d's Reducer (Li et al., 2020, "PyTorch Distributed", section 3.2). The group and the
// parameters must outlive it. One thread at a time.
class GradientReducer {
 public:
  // `parameters`: leaves that require gradients, the same on every rank, each of which every loss
  // depends on.
  static absl::StatusOr<std::unique_ptr<GradientReducer>> Create(ProcessGroup& group,
                                                                 const NamedTensors& parameters);
  ~GradientReducer();

  // Must be called between the forward and the backward pass whose end leaves averages of all
  // gradients gathered since they were last reset. Backward passes without it only gather.
  void PrepareBackward();

 private:
  struct Impl;
  explicit GradientReducer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_DISTRIBUTED_GRADIENT_REDUCER_H_

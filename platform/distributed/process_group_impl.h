#ifndef OPENP5_PLATFORM_DISTRIBUTED_PROCESS_GROUP_IMPL_H_
#define OPENP5_PLATFORM_DISTRIBUTED_PROCESS_GROUP_IMPL_H_

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "platform/distributed/process_group.h"

namespace openp5 {

struct ProcessGroup::Impl {
  // Fills in the members below the options. May hang.
  absl::Status Join();

  ProcessGroupOptions options;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> gloo;  // of what is said on the CPU
  c10::intrusive_ptr<c10d::ProcessGroup> group;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_DISTRIBUTED_PROCESS_GROUP_IMPL_H_

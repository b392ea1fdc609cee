#ifndef OPENP5_PLATFORM_DISTRIBUTED_PROCESSES_H_
#define OPENP5_PLATFORM_DISTRIBUTED_PROCESSES_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/distributed/process_group.h"
#include "platform/tensor/runtime.h"

namespace openp5 {

// How many processes work on one command.
struct ProcessOptions {
  int64_t nproc = 1;
  int64_t distributed_timeout = 600;  // seconds

  void ForEach(OptionVisitor& visitor);
};

// What this process is: one of several, or alone.
struct Processes {
  Runtime runtime;
  std::unique_ptr<ProcessGroup> group;  // nullptr: alone

  bool is_first() const { return group == nullptr || group->rank() == 0; }
  // What to report of a failure (see ProcessGroup::Explain).
  absl::Status Explain(const absl::Status& status) const {
    return group == nullptr ? status : group->Explain(status);
  }
};

// Runs the command line of this process in `options.nproc` processes of this machine, if that is
// more than one and this is not already one of them, and waits for them. Then the result is how
// they ended; every message has been printed by them. Nothing if this process is to do the work.
std::optional<absl::Status> RunInProcesses(const ProcessOptions& options);

// Starts the runtime (see StartRuntime) with this process's share of the machine's cores, and joins
// the others. Ranks other than 0 print nothing but errors.
absl::StatusOr<Processes> StartProcesses(const ProcessOptions& options, RuntimeOptions runtime);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_DISTRIBUTED_PROCESSES_H_

#include "platform/distributed/processes.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "platform/base/log.h"
#include "platform/distributed/launcher.h"

namespace openp5 {

void ProcessOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "nproc",
                 .help = "processes of this machine that share the work; torchrun's environment "
                         "variables are understood, too",
                 .minimum = 1,
                 .maximum = 1024,
                 .affects = Affects::kSpeed},
                &nproc);
  visitor.Visit({.name = "distributed-timeout",
                 .help = "seconds after which a process that does not answer is taken for dead",
                 .minimum = 1,
                 .maximum = 1e6,
                 .affects = Affects::kSpeed},
                &distributed_timeout);
}

std::optional<absl::Status> RunInProcesses(const ProcessOptions& options) {
  if (options.nproc == 1 || std::getenv("WORLD_SIZE") != nullptr) return std::nullopt;
  return RunRanks(options.nproc);
}

absl::StatusOr<Processes> StartProcesses(const ProcessOptions& options, RuntimeOptions runtime) {
  OPENP5_ASSIGN_OR_RETURN(const World world, World::FromEnvironment());
  if (options.nproc > 1 && options.nproc != world.size) {
    return UsageError(StrCat("--nproc: ", options.nproc, ", but WORLD_SIZE in the environment is ",
                             world.size, "; hint: leave one of them out"));
  }
  if (runtime.threads == 0 && world.local_size > 1) {
    const int64_t cores = std::max<int64_t>(1, std::thread::hardware_concurrency());
    runtime.threads = std::max<int64_t>(1, cores / world.local_size);
  }
  // Whoever started this process may be gone without a word.
  if (world.size > 1) prctl(PR_SET_PDEATHSIG, SIGTERM);
  SetQuiet(world.rank > 0);
  Processes processes;
  OPENP5_ASSIGN_OR_RETURN(processes.runtime, StartRuntime(runtime));
  if (processes.runtime.device.is_cuda() && world.local_size > 1) {
    processes.runtime.device.set_index(static_cast<c10::DeviceIndex>(world.local_rank));
  }
  if (world.size == 1) return processes;
  OPENP5_ASSIGN_OR_RETURN(
      processes.group,
      ProcessGroup::Create({.world = world,
                            .device = processes.runtime.device,
                            .timeout = std::chrono::seconds(options.distributed_timeout)}));
  return processes;
}

}  // namespace openp5

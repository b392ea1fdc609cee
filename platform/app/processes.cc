#include "platform/app/processes.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "platform/base/child_process.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"

namespace openp5::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(10);  // with the others after one has failed

// The processes of one command, children of this one.
class Children {
 public:
  absl::Status Start(const std::vector<std::string>& arguments, int64_t count, uint16_t port) {
    for (int64_t rank = 0; rank < count; ++rank) {
      absl::StatusOr<ChildProcess> child =
          ChildProcess::Start({.program = "/proc/self/exe",
                               .arguments = arguments,
                               .environment = {{"RANK", StrCat(rank)},
                                               {"WORLD_SIZE", StrCat(count)},
                                               {"LOCAL_RANK", StrCat(rank)},
                                               {"LOCAL_WORLD_SIZE", StrCat(count)},
                                               {"MASTER_ADDR", "127.0.0.1"},
                                               {"MASTER_PORT", StrCat(port)},
                                               {"TORCHELASTIC_USE_AGENT_STORE", "True"}}});
      OPENP5_RETURN_IF_ERROR(Annotate(child.status(), StrCat("--nproc: rank ", rank)));
      running_.emplace(rank, *std::move(child));
    }
    return absl::OkStatus();
  }

  // Waits for all and passes signals on. The first failure's exit code, or 0.
  int Wait() {
    int first_failure = 0;
    bool told = false;
    std::optional<Clock::time_point> failed;
    for (; !running_.empty(); std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
      // One that hangs notices nothing.
      if (failed.has_value() && Clock::now() - *failed > kPatience) SignalAll(SIGKILL);
      if (TerminationSignal() != 0 && !told) {
        told = true;
        SignalAll(TerminationSignal());
      }
      const int failure = CollectEnded();
      if (failure == 0 || failed.has_value()) continue;
      first_failure = failure;
      failed = Clock::now();
    }
    return first_failure;
  }

 private:
  // Forgets those that have ended. The first failure's exit code, or 0.
  int CollectEnded() {
    int first_failure = 0;
    for (auto entry = running_.begin(); entry != running_.end();) {
      const std::optional<int> exit_code = entry->second.ExitCode();
      if (!exit_code.has_value()) {
        ++entry;
        continue;
      }
      if (const int signal = entry->second.EndSignal(); signal != 0) {
        LogError(StrCat("rank ", entry->first, " was ended by signal ", signal, " (",
                        strsignal(signal), ")"));
      }
      if (first_failure == 0) first_failure = *exit_code;
      entry = running_.erase(entry);
    }
    return first_failure;
  }
  void SignalAll(int signal) const {
    for (const auto& [rank, child] : running_) child.Signal(signal);
  }

  std::map<int64_t, ChildProcess> running_;  // by rank
};

// A status that main turns into the same exit code without a further message.
absl::Status SilentStatus(int exit_code) {
  if (exit_code == 0) return absl::OkStatus();
  if (TerminationSignal() != 0) return absl::CancelledError("");
  return exit_code == 2 ? UsageError("") : absl::AbortedError("");
}

absl::Status RunAll(int64_t count) {
  OPENP5_ASSIGN_OR_RETURN(const auto arguments, OwnArguments());
  OPENP5_ASSIGN_OR_RETURN(const auto meeting, MeetingPoint::Open());
  CatchTermination();
  Children children;
  OPENP5_RETURN_IF_ERROR(children.Start(arguments, count, meeting->port()));
  return SilentStatus(children.Wait());
}

}  // namespace

absl::StatusOr<std::vector<std::string>> OwnArguments() {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile("/proc/self/cmdline"));
  std::vector<std::string> arguments;
  for (size_t begin = 0; begin < text.size();) {
    arguments.emplace_back(text.c_str() + begin);
    begin += arguments.back().size() + 1;
  }
  return arguments;
}

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

evaluators::Sharding Processes::Shard() const {
  if (group == nullptr) return {};
  return {.index = group->rank(),
          .count = group->size(),
          .gather = [own = group.get()](const std::string& bytes) { return own->Gather(bytes); }};
}

std::optional<absl::Status> RunInProcesses(const ProcessOptions& options) {
  if (options.nproc == 1 || std::getenv("WORLD_SIZE") != nullptr) return std::nullopt;
  return RunAll(options.nproc);
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

}  // namespace openp5::app

#include "platform/app/processes.h"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"

namespace openp5::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience(10);  // with the others after one has failed

std::vector<std::string> Environment(int64_t rank, int64_t count, uint16_t port) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"RANK", StrCat(rank)},
                                                        {"WORLD_SIZE", StrCat(count)},
                                                        {"LOCAL_RANK", StrCat(rank)},
                                                        {"LOCAL_WORLD_SIZE", StrCat(count)},
                                                        {"MASTER_ADDR", "127.0.0.1"},
                                                        {"MASTER_PORT", StrCat(port)},
                                                        {"TORCHELASTIC_USE_AGENT_STORE", "True"}}) {
    std::erase_if(variables, [&](const std::string& v) { return v.starts_with(name + "="); });
    variables.push_back(name + "=" + value);
  }
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The processes of one command, children of this one.
class Children {
 public:
  ~Children() { KillAll(); }

  absl::Status Start(std::vector<std::string> arguments, int64_t count, uint16_t port) {
    for (int64_t rank = 0; rank < count; ++rank) {
      std::vector<std::string> variables = Environment(rank, count, port);
      pid_t child = 0;
      const int error = posix_spawn(&child, "/proc/self/exe", nullptr, nullptr,
                                    Pointers(&arguments).data(), Pointers(&variables).data());
      if (error != 0) {
        return FailedPrecondition("--nproc: rank ", rank, ": cannot start: ", strerror(error));
      }
      running_.push_back(child);
    }
    return absl::OkStatus();
  }

  // Waits for all and passes signals on. The first failure's exit status, or 0.
  int Wait() {
    int64_t left = static_cast<int64_t>(running_.size());
    int first_failure = 0;
    bool told = false;
    std::optional<Clock::time_point> failed;
    while (left > 0) {
      // One that hangs notices nothing.
      if (failed.has_value() && Clock::now() - *failed > kPatience) KillAll();
      if (TerminationSignal() != 0 && !told) {
        told = true;
        for (const pid_t child : running_) {
          if (child > 0) kill(child, TerminationSignal());
        }
      }
      int status = 0;
      const pid_t ended = waitpid(-1, &status, WNOHANG);
      const auto child = std::find(running_.begin(), running_.end(), ended);
      if (ended <= 0 || child == running_.end()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        continue;
      }
      *child = 0;
      --left;
      if (WIFSIGNALED(status)) {
        LogError(StrCat("rank ", child - running_.begin(), " was ended by signal ",
                        WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")"));
      }
      if (status == 0 || failed.has_value()) continue;
      first_failure = status;
      failed = Clock::now();
    }
    return first_failure;
  }

 private:
  void KillAll() {
    for (const pid_t child : running_) {
      if (child > 0) kill(child, SIGKILL);
    }
  }
  std::vector<pid_t> running_;  // by rank; 0: ended
};

// A status that main turns into the same exit code without a further message.
absl::Status SilentStatus(int wait_status) {
  if (wait_status == 0) return absl::OkStatus();
  if (TerminationSignal() != 0) return absl::CancelledError("");
  return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 2 ? UsageError("")
                                                                 : absl::AbortedError("");
}

absl::Status RunAll(int64_t count) {
  OPENP5_ASSIGN_OR_RETURN(auto arguments, OwnArguments());
  OPENP5_ASSIGN_OR_RETURN(const auto meeting, MeetingPoint::Open());
  CatchTermination();
  Children children;
  OPENP5_RETURN_IF_ERROR(children.Start(std::move(arguments), count, meeting->port()));
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
                 .maximum = 1024},
                &nproc);
  visitor.Visit({.name = "distributed-timeout",
                 .help = "seconds after which a process that does not answer is taken for dead",
                 .minimum = 1,
                 .maximum = 1e6},
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

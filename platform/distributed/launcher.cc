#include "platform/distributed/launcher.h"

#include <signal.h>
#include <string.h>

#include <chrono>

#include "platform/base/child_process.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/distributed/process_group.h"

namespace openp5 {
namespace {

using Clock = ChildProcesses::Clock;

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
      running_.Add(rank, *std::move(child));
    }
    return absl::OkStatus();
  }

  // Waits for all. The first failure's exit code, or 0.
  int Wait() {
    int first_failure = 0;
    auto deadline = Clock::time_point::max();
    while (running_.size() > 0) {
      const auto ended = running_.Wait(deadline);
      if (!ended.has_value()) {  // one that hangs does not notice that another has failed
        running_.SignalAll(SIGKILL);
        deadline = Clock::time_point::max();
        continue;
      }
      if (ended->signal != 0) {
        LogError(StrCat("rank ", ended->number, " was ended by signal ", ended->signal, " (",
                        strsignal(ended->signal), ")"));
      }
      if (first_failure != 0 || ended->exit_code == 0) continue;
      first_failure = ended->exit_code;
      deadline = Clock::now() + kPatience;
    }
    return first_failure;
  }

 private:
  ChildProcesses running_;  // by rank
};

// A status that main turns into the same exit code without a further message.
absl::Status SilentStatus(int exit_code) {
  if (exit_code == 0) return absl::OkStatus();
  if (TerminationSignal() != 0) return absl::CancelledError("");
  return exit_code == 2 ? UsageError("") : absl::AbortedError("");
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

absl::Status RunRanks(int64_t count) {
  OPENP5_ASSIGN_OR_RETURN(const auto arguments, OwnArguments());
  OPENP5_ASSIGN_OR_RETURN(const auto meeting, MeetingPoint::Open());
  CatchTermination();
  Children children;
  OPENP5_RETURN_IF_ERROR(children.Start(arguments, count, meeting->port()));
  return SilentStatus(children.Wait());
}

}  // namespace openp5

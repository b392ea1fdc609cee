#include "platform/distributed/launcher.h"

#include <signal.h>
#include <string.h>

#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "platform/base/child_process.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/distributed/process_group.h"

namespace openp5 {
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

#include "platform/base/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "platform/base/signals.h"

namespace openp5 {
namespace {

// Strings as C's exec functions want them.
class Words {
 public:
  explicit Words(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  char* const* data() { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

// This process's environment with `variables`, which replace those of the same name.
std::vector<std::string> Environment(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.push_back(*variable);
  for (const auto& [name, value] : variables) {
    const std::string start = name + "=";
    std::erase_if(all, [&](const std::string& text) { return text.starts_with(start); });
    all.push_back(start + value);
  }
  return all;
}

// What the child does; between fork and exec only what is safe in a signal handler may be called.
// `output` -1: the streams stay.
[[noreturn]] void RunChild(const char* program, char* const* arguments, char* const* environment,
                           int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it ended before the line above
  if (output >= 0) {
    setpgid(0, 0);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
  }
  execve(program, arguments, environment);
  _exit(127);
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Start(const ChildProcessOptions& options) {
  Words arguments(options.arguments), environment(Environment(options.environment));
  int output = -1;
  if (!options.output.empty()) {
    output = open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (output < 0) {
      return FailedPrecondition("cannot create: ", options.output, ": ", strerror(errno));
    }
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    RunChild(options.program.c_str(), arguments.data(), environment.data(), output, parent);
  }
  const int error = errno;
  if (output >= 0) close(output);
  if (pid < 0) {
    return absl::ResourceExhaustedError(
        StrCat("cannot start a process: ", options.program, ": ", strerror(error)));
  }
  return ChildProcess(pid);
}

ChildProcess::ChildProcess(int pid)
    : pid_(pid), end_descriptor_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      end_descriptor_(std::move(other.end_descriptor_)),
      exit_code_(other.exit_code_),
      end_signal_(other.end_signal_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(end_descriptor_, other.end_descriptor_);
  std::swap(exit_code_, other.exit_code_);
  std::swap(end_signal_, other.end_signal_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || exit_code_.has_value()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<int> ChildProcess::ExitCode() {
  int status = 0;
  if (!exit_code_.has_value() && waitpid(pid_, &status, WNOHANG) == pid_) {
    end_signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    exit_code_ = end_signal_ != 0 ? 128 + end_signal_ : WEXITSTATUS(status);
  }
  return exit_code_;
}

void ChildProcess::Signal(int signal) const {
  if (pid_ >= 0 && !exit_code_.has_value()) kill(pid_, signal);
}

std::optional<ChildProcesses::Ended> ChildProcesses::Wait(Clock::time_point deadline) {
  while (!running_.empty()) {
    if (!signalled_ && TerminationSignal() != 0) SignalAll(TerminationSignal());
    const std::optional<Ended> ended = TakeEnded();
    if (ended.has_value() || Clock::now() >= deadline) return ended;
    Sleep(deadline);
  }
  return std::nullopt;
}

std::optional<ChildProcesses::Ended> ChildProcesses::TakeEnded() {
  for (auto& [number, process] : running_) {
    const std::optional<int> exit_code = process.ExitCode();
    if (!exit_code.has_value()) continue;
    const Ended ended = {.number = number, .exit_code = *exit_code, .signal = process.EndSignal()};
    running_.erase(ended.number);
    return ended;
  }
  return std::nullopt;
}

void ChildProcesses::Sleep(Clock::time_point deadline) const {
  // A signal ends the sleep, unless it came just before it or to another thread: then it is found
  // after a second. Where an end cannot be waited for it is looked for.
  constexpr std::chrono::milliseconds kLongest(1000), kLook(20);
  auto longest = kLongest;
  std::vector<pollfd> ends;
  for (const auto& [number, process] : running_) {
    if (process.end_descriptor() < 0) longest = kLook;
    ends.push_back({.fd = process.end_descriptor(), .events = POLLIN, .revents = 0});
  }
  const auto left = std::min<Clock::duration>(deadline - Clock::now(), longest);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  poll(ends.data(), ends.size(), static_cast<int>(std::max<int64_t>(milliseconds, 0)));
}

void ChildProcesses::SignalAll(int signal) {
  signalled_ = true;
  for (const auto& [number, process] : running_) process.Signal(signal);
}

}  // namespace openp5

#ifndef OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_
#define OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/file_descriptor.h"
#include "platform/base/status.h"

namespace openp5 {

struct ChildProcessOptions {
  std::string program;
  std::vector<std::string> arguments;                                 // its own name first
  std::vector<std::pair<std::string, std::string>> environment = {};  // besides this process's
  // Standard output and error go to the end of this file, standard input has nothing, and the
  // process has a group of its own, so that a terminal's ^C comes to this process alone. If empty,
  // streams and group are this process's.
  std::string output = {};
};

// A program that runs beside this one; it gets SIGTERM when the thread that started it ends. Not
// thread-safe.
class ChildProcess {
 public:
  // Fails if the output file cannot be opened or no process can be made. That the program cannot be
  // run is exit code 127.
  static absl::StatusOr<ChildProcess> Start(const ChildProcessOptions& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  // Kills it if it still runs.
  ~ChildProcess();

  // Its exit code, 128 + signal if one ended it; nothing while it runs.
  std::optional<int> ExitCode();
  // The signal that ended it; 0 while it runs and if it ended by itself.
  int EndSignal() const { return end_signal_; }
  // Sends a signal, if it still runs.
  void Signal(int signal) const;
  // A descriptor that is readable once it has ended; -1 where the system has none.
  int end_descriptor() const { return end_descriptor_.get(); }

 private:
  explicit ChildProcess(int pid);

  int pid_ = -1;  // -1: moved from
  FileDescriptor end_descriptor_;
  std::optional<int> exit_code_ = {};
  int end_signal_ = 0;
};

// Child processes that are waited for together. The signal that asks this process to stop, where it
// is caught (CatchTermination), is passed on to all of them. Not thread-safe.
class ChildProcesses {
 public:
  using Clock = std::chrono::steady_clock;

  struct Ended {
    int64_t number = 0;  // as it was added
    int exit_code = 0;   // ChildProcess::ExitCode
    int signal = 0;      // ChildProcess::EndSignal
  };

  void Add(int64_t number, ChildProcess process) { running_.emplace(number, std::move(process)); }
  size_t size() const { return running_.size(); }

  // Waits until one has ended, which is then forgotten; of several the one with the least number.
  // Nothing if there is none, or if none has ended at `deadline`.
  std::optional<Ended> Wait(Clock::time_point deadline = Clock::time_point::max());

  // Sends a signal to all; none that comes later is passed on.
  void SignalAll(int signal);

 private:
  std::optional<Ended> TakeEnded();
  // Sleeps until one may have ended or a signal has come, at most until `deadline`.
  void Sleep(Clock::time_point deadline) const;

  std::map<int64_t, ChildProcess> running_;
  bool signalled_ = false;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_

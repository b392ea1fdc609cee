#ifndef OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_
#define OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

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

 private:
  explicit ChildProcess(int pid) : pid_(pid) {}

  int pid_ = -1;  // -1: moved from
  std::optional<int> exit_code_ = {};
  int end_signal_ = 0;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_

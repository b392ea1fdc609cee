#ifndef OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_
#define OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_

#include <optional>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5 {

// A program that runs beside this one. It has a process group of its own, so that a terminal's ^C
// comes to this process alone, which passes on what it wants to; it gets SIGTERM when the thread
// that started it ends. Not thread-safe.
class ChildProcess {
 public:
  // Starts `program` with the words `arguments`, its own name first; nothing on standard input,
  // standard output and error at the end of file `output`. Fails if the file cannot be opened or no
  // process can be made. That `program` cannot be run is exit code 127.
  static absl::StatusOr<ChildProcess> Start(const std::string& program,
                                            const std::vector<std::string>& arguments,
                                            const std::string& output);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  // Kills it if it still runs.
  ~ChildProcess();

  // Its exit code, 128 + signal if one ended it; nothing while it runs.
  std::optional<int> ExitCode();
  // Sends a signal, if it still runs.
  void Signal(int signal) const;

 private:
  explicit ChildProcess(int pid) : pid_(pid) {}

  int pid_ = -1;  // -1: moved from
  std::optional<int> exit_code_ = {};
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_CHILD_PROCESS_H_

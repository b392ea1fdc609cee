#ifndef OPENP5_TESTS_CLI_PROGRAM_H_
#define OPENP5_TESTS_CLI_PROGRAM_H_

#include <string>
#include <vector>

namespace openp5::testing {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal if one ended it
  std::string out, err;
  // The last line of `err`, without its line feed: where a failure's one line is.
  std::string LastError() const;
};

// A running `openp5` (the binary the tests were built with). Standard output goes to a file if
// `stdout_file` is not empty (then `out` stays empty).
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const std::string& stdout_file = "");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int pid() const { return pid_; }
  void Signal(int signal) const;
  bool IsRunning();
  ProgramResult Wait();

 private:
  std::string folder_;
  int pid_ = -1, status_ = 0;
  bool ended_ = false;
};

ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         const std::string& stdout_file = "");

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_CLI_PROGRAM_H_

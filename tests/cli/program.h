#ifndef OPENP5_TESTS_CLI_PROGRAM_H_
#define OPENP5_TESTS_CLI_PROGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/testing/testing.h"

namespace openp5::testing {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal if one ended it
  std::string out, err;
  int64_t peak_memory = 0;  // bytes that were resident at the most; of one program, not of a shell
  // The last line of `err`, without its line feed: where a failure's one line is.
  std::string LastError() const;
};

// A running `openp5` (the binary the tests were built with). Standard output goes to a file if
// `stdout_file` is not empty (then `out` stays empty). `variables` are "NAME=value" and are added
// to the environment.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const std::string& stdout_file = "",
                   const std::vector<std::string>& variables = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int pid() const { return pid_; }
  void Signal(int signal) const;
  bool IsRunning();
  ProgramResult Wait();

 private:
  void Collect(int options);  // of waitpid

  std::string folder_;
  int pid_ = -1, status_ = 0;
  int64_t peak_memory_ = 0;
  bool ended_ = false;
};

ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         const std::string& stdout_file = "",
                         const std::vector<std::string>& variables = {});

// Runs `script` with /bin/sh in `folder`; "$OPENP5" there is the program. What the script does not
// redirect is in the result.
ProgramResult RunShell(const std::string& script, const std::string& folder);

using Arguments = std::vector<std::string>;

inline Arguments operator+(Arguments left, const Arguments& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline void ExpectSuccess(const ProgramResult& result) {
  ASSERT_EQ(result.exit_code, 0) << result.err;
}

// One line says what is wrong; nothing is on standard output.
inline void ExpectFailure(const ProgramResult& result, int exit_code,
                          const ::testing::Matcher<std::string>& line) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_THAT(result.LastError(), line);
  EXPECT_EQ(result.out, "");
}

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_CLI_PROGRAM_H_

#include "tests/cli/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "platform/base/file.h"

namespace openp5::testing {

std::string ProgramResult::LastError() const {
  if (err.empty()) return "";
  const size_t end = err.find_last_not_of('\n');
  const size_t start = err.rfind('\n', end);
  return err.substr(start == std::string::npos ? 0 : start + 1, end - start);
}

Program::Program(const std::vector<std::string>& arguments, const std::string& stdout_file,
                 const std::vector<std::string>& variables) {
  std::string pattern = (std::filesystem::temp_directory_path() / "openp5_cli_XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
  const std::string out = stdout_file.empty() ? folder_ + "/out" : stdout_file;
  const std::string err = folder_ + "/err";
  std::vector<char*> argv = {const_cast<char*>(OPENP5_BINARY)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // Made before the fork: a child of a process with threads must not allocate. A later variable of
  // the same name counts for nothing, so ours come first.
  std::vector<char*> environment;
  for (const std::string& variable : variables) {
    environment.push_back(const_cast<char*>(variable.c_str()));
  }
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.push_back(*variable);
  }
  environment.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
  dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
  execve(argv[0], argv.data(), environment.data());
  _exit(127);
}

Program::~Program() {
  if (!ended_) {
    Signal(SIGKILL);
    Wait();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Program::Signal(int signal) const { kill(pid_, signal); }

void Program::Collect(int options) {
  struct rusage usage = {};
  if (ended_ || wait4(pid_, &status_, options, &usage) != pid_) return;
  ended_ = true;
  peak_memory_ = usage.ru_maxrss * int64_t{1024};
}

bool Program::IsRunning() {
  Collect(WNOHANG);
  return !ended_;
}

ProgramResult Program::Wait() {
  Collect(0);
  ended_ = true;
  ProgramResult result;
  result.peak_memory = peak_memory_;
  result.exit_code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  result.out = ReadFile(folder_ + "/out").value_or("");
  result.err = ReadFile(folder_ + "/err").value_or("");
  return result;
}

ProgramResult RunProgram(const std::vector<std::string>& arguments, const std::string& stdout_file,
                         const std::vector<std::string>& variables) {
  return Program(arguments, stdout_file, variables).Wait();
}

ProgramResult RunShell(const std::string& script, const std::string& folder) {
  const TemporaryFolder streams;
  const std::string out = streams.File("out"), err = streams.File("err");
  const pid_t pid = fork();
  if (pid == 0) {
    setenv("OPENP5", OPENP5_BINARY, 1);
    dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
    if (chdir(folder.c_str()) == 0) execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = ReadFile(out).value_or(""),
          .err = ReadFile(err).value_or(""),
          .peak_memory = 0};
}

}  // namespace openp5::testing

#include "platform/base/isolated.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <utility>

#include "absl/strings/escaping.h"
#include "platform/base/bytes.h"
#include "platform/base/file.h"
#include "platform/base/memory.h"

namespace openp5 {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kText = 'T', kEnd = 'E';  // a message's first byte
constexpr uint32_t kLongestMessage = 1 << 20;
constexpr std::chrono::milliseconds kLook(50);  // how often memory is looked at
constexpr int kNoConnection = 113;              // the child's exit code where its pipe is closed
constexpr size_t kShown = 80;                   // bytes of its output in a message

struct Pipe {
  int read = -1, write = -1;
  bool Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
  void Close(int* end) { close(std::exchange(*end, -1)); }
  ~Pipe() {
    if (read >= 0) close(read);
    if (write >= 0) close(write);
  }
};

// Kind, size and text; whoever reads them ends where they stop making sense.
void Send(int fd, char kind, std::string_view text) {
  text = text.substr(0, kLongestMessage);
  const std::string bytes =
      StrCat(std::string(1, kind), NumberBytes(static_cast<uint32_t>(text.size())), text);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(kNoConnection);
    done += static_cast<size_t>(written);
  }
}

// What the work has done to the streams it had; empty if nothing.
std::string ClosedStream() {
  constexpr const char* kNames[] = {"standard input", "standard output", "standard error"};
  for (int fd = 0; fd < 3; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) return StrCat("closed ", kNames[fd]);
  }
  return "";
}

[[noreturn]] void RunChild(int results, int output, pid_t parent,
                           const std::function<void(const Say& say)>& work) noexcept {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it ended before the line above
  setpgid(0, 0);
  std::set_terminate(std::abort);
  dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  close(output);
  work([results](std::string_view text) { Send(results, kText, text); });
  std::fflush(stdout);
  Send(results, kEnd, ClosedStream());
  _exit(0);
}

// What the parent knows of the child.
class Watch {
 public:
  Watch(pid_t pid, const std::function<void(std::string)>& hear) : pid_(pid), hear_(hear) {}
  ~Watch() {
    kill(-pid_, SIGKILL);  // with all that it started
    if (!ended_) waitpid(pid_, &status_, 0);
  }
  Watch(const Watch&) = delete;

  // Takes what has come through the pipes until the child has ended, or has to.
  absl::Status Follow(const IsolationOptions& options, int64_t memory, int results, int output) {
    const auto deadline = Clock::now() + options.timeout;
    while (true) {
      // Whether it has ended is asked first, so that nothing it said before is missed.
      const bool ended = HasEnded();
      pollfd both[] = {{results, POLLIN, 0}, {output, POLLIN, 0}};
      poll(both, 2, ended ? 0 : static_cast<int>(kLook.count()));
      const bool heard = (both[0].revents & POLLIN) != 0 && Read(results, &messages_);
      const bool printed = (both[1].revents & POLLIN) != 0 && Read(output, &printed_);
      if (!TakeMessages()) return FailedPrecondition("wrote into the connection to its parent");
      if (heard || printed) continue;
      if (ended) return Verdict();
      if (Clock::now() >= deadline) {
        const double seconds = std::chrono::duration<double>(options.timeout).count();
        return absl::DeadlineExceededError(StrCat("had not ended after ", seconds, " s"));
      }
      if (Resident() > memory) {
        return absl::ResourceExhaustedError(
            StrCat("took more than ", MemoryText(memory), " of memory"));
      }
    }
  }

 private:
  bool HasEnded() {
    if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
    return ended_;
  }

  static bool Read(int fd, std::string* text) {
    char buffer[4096];
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size > 0) text->append(buffer, static_cast<size_t>(size));
    return size > 0;
  }

  // False if they make no sense.
  bool TakeMessages() {
    printed_.resize(std::min(printed_.size(), kShown + 1));
    constexpr size_t kHead = 1 + sizeof(uint32_t);
    while (messages_.size() >= kHead) {
      uint32_t size = 0;
      OPENP5_CHECK(ByteReader(messages_, 1).Number(&size));
      if (size > kLongestMessage || (messages_[0] != kText && messages_[0] != kEnd)) return false;
      if (messages_.size() < kHead + size) return true;
      std::string text = messages_.substr(kHead, size);
      if (messages_[0] == kEnd) {
        returned_ = std::move(text);
      } else {
        hear_(std::move(text));
      }
      messages_.erase(0, kHead + size);
    }
    return true;
  }

  absl::Status Verdict() const {
    if (WIFSIGNALED(status_)) {
      const int signal = WTERMSIG(status_);
      return FailedPrecondition("was ended by signal ", signal, " (", strsignal(signal), ")");
    }
    if (!returned_.has_value()) {
      const int code = WEXITSTATUS(status_);
      if (code == kNoConnection) return FailedPrecondition("closed the descriptors of its parent");
      return FailedPrecondition("called exit(", code, ")");
    }
    if (!returned_->empty()) return FailedPrecondition(*returned_);
    if (printed_.empty()) return absl::OkStatus();
    return FailedPrecondition("wrote to standard output: '",
                              absl::Utf8SafeCEscape(printed_.substr(0, kShown)), "'");
  }

  int64_t Resident() const {
    std::istringstream numbers(ReadFile(StrCat("/proc/", pid_, "/statm")).value_or("0 0"));
    int64_t size = 0, resident = 0;
    numbers >> size >> resident;
    return resident * sysconf(_SC_PAGESIZE);
  }

  const pid_t pid_;
  const std::function<void(std::string)>& hear_;
  std::string messages_, printed_;
  std::optional<std::string> returned_;  // what the child said at its end
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace

absl::Status RunIsolated(const IsolationOptions& options,
                         const std::function<void(const Say& say)>& work,
                         const std::function<void(std::string text)>& hear) {
  Pipe results, output;
  if (!results.Open() || !output.Open()) {
    return FailedPrecondition("cannot open a pipe: ", strerror(errno));
  }
  const int64_t memory = options.memory.value_or(AvailableMemory().value_or(int64_t{8} << 30) / 2);
  std::fflush(nullptr);  // else the child writes what is buffered once more
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) RunChild(results.write, output.write, parent, work);
  if (pid < 0) return FailedPrecondition("cannot start a process: ", strerror(errno));
  setpgid(pid, pid);  // as the child does itself, whoever comes first
  results.Close(&results.write);
  output.Close(&output.write);
  return Watch(pid, hear).Follow(options, memory, results.read, output.read);
}

}  // namespace openp5

#include "platform/base/standard_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

namespace openp5 {
namespace {

// The first failure, which may have come from printf in a library: the stream remembers that there
// was one, but not which.
int first_error = 0;

absl::Status Outcome() {
  if (ferror(stdout) == 0) return absl::OkStatus();
  if (first_error == 0) first_error = errno;
  return FailedPrecondition("cannot write: standard output: ", strerror(first_error));
}

}  // namespace

void OpenStandardStreams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is `fd`. Writing to what is open for reading fails, as it should.
    const int opened = open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    if (opened >= 0 && opened != fd) close(opened);
  }
}

absl::Status AppendStandardOutput(std::string_view text) {
  fwrite(text.data(), 1, text.size(), stdout);
  return Outcome();
}

absl::Status FlushStandardOutput() {
  fflush(stdout);
  return Outcome();
}

absl::Status WriteStandardOutput(std::string_view text) {
  OPENP5_RETURN_IF_ERROR(AppendStandardOutput(text));
  return FlushStandardOutput();
}

}  // namespace openp5

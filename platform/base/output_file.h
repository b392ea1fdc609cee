#ifndef OPENP5_PLATFORM_BASE_OUTPUT_FILE_H_
#define OPENP5_PLATFORM_BASE_OUTPUT_FILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/file_descriptor.h"
#include "platform/base/status.h"
#include "platform/base/temporary_output.h"

namespace openp5 {

// A file being written, under the name a user gave. A regular file appears whole or not at all: it
// is written under a temporary name, synced, renamed, and keeps the permissions of the one that it
// replaces. A link stays and its target is replaced. What is no regular file (a device, a FIFO,
// /dev/stdout, /dev/fd/N) is written to as it is. Not thread-safe.
class OutputFile {
 public:
  // A usage error for a folder, a socket, a disk, and for a descriptor that is not open for
  // writing. NotFound or FailedPrecondition if the file cannot be made. Waits for a FIFO's reader.
  static absl::StatusOr<OutputFile> Open(const std::string& path);
  OutputFile(OutputFile&&) noexcept = default;
  OutputFile(const OutputFile&) = delete;
  // Drops what was written to a regular file unless Commit succeeded.
  ~OutputFile() = default;

  // FailedPrecondition if it cannot be written (no space, a closed pipe).
  absl::Status Write(std::string_view content);
  // Puts the file in its place. To be called once, after the last Write.
  absl::Status Commit();

 private:
  OutputFile(std::string path, FileDescriptor fd, std::optional<TemporaryOutput> temporary)
      : path_(std::move(path)), fd_(std::move(fd)), temporary_(std::move(temporary)) {}
  absl::Status Flush();

  std::string path_;  // a regular file's own, links followed
  FileDescriptor fd_;
  std::optional<TemporaryOutput> temporary_;  // of a regular file
  std::string buffer_;
};

// A file that a command writes.
struct OutputOption {
  std::string option;  // "--items"
  std::string path;    // empty: not asked for
};

// Fails as Open would for one of `outputs`, naming its option, and with a usage error if two are
// the same file, or one is the same as one of `sources`, which the command reads. Commands ask
// before long work.
absl::Status CheckOutputFiles(const std::vector<OutputOption>& outputs,
                              const std::vector<std::string>& sources);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_OUTPUT_FILE_H_

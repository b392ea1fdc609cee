#ifndef OPENP5_PLATFORM_BASE_FILE_DESCRIPTOR_H_
#define OPENP5_PLATFORM_BASE_FILE_DESCRIPTOR_H_

#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5 {

// `what: path: the error's words`. NotFound for ENOENT, else FailedPrecondition.
absl::Status ErrnoStatus(std::string_view what, const std::string& path, int error);

// Owns an open file; -1: none.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();
  int get() const { return fd_; }
  int Release();
  // False if closing itself reports a delayed write error (errno says which).
  bool Close();

 private:
  int fd_;
};

// Writes all of `content`. `path` is only for the message.
absl::Status WriteAll(int fd, const std::string& path, std::string_view content);

// Flushes an open file to its device. OK where there is nothing to flush (pipes, terminals).
absl::Status SyncOpen(int fd, const std::string& path);

// True if both exist and are one file or folder, by whatever names.
bool IsSameFile(const std::string& a, const std::string& b);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_FILE_DESCRIPTOR_H_

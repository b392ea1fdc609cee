#include "platform/base/file_descriptor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace openp5 {

absl::Status ErrnoStatus(std::string_view what, const std::string& path, int error) {
  const std::string message = StrCat(what, ": ", path, ": ", strerror(error));
  return error == ENOENT ? absl::NotFoundError(message) : absl::FailedPreconditionError(message);
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.Release()) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

int FileDescriptor::Release() { return std::exchange(fd_, -1); }

bool FileDescriptor::Close() { return close(Release()) == 0; }

absl::Status WriteAll(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus("cannot write", path, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status SyncOpen(int fd, const std::string& path) {
  // EINVAL, EROFS: pipes, terminals, and some network folders have nothing to flush.
  if (fsync(fd) == 0 || errno == EINVAL || errno == EROFS) return absl::OkStatus();
  return ErrnoStatus("cannot sync", path, errno);
}

bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat one, two;
  return stat(a.c_str(), &one) == 0 && stat(b.c_str(), &two) == 0 && one.st_dev == two.st_dev &&
         one.st_ino == two.st_ino;
}

}  // namespace openp5

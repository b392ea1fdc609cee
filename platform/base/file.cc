#include "platform/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "platform/base/file_descriptor.h"
#include "platform/base/output_file.h"

namespace openp5 {
namespace fs = std::filesystem;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus("cannot open", path, errno);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus("cannot inspect", path, errno);
  if (S_ISDIR(info.st_mode)) {
    return FailedPrecondition("cannot read: ", path, ": expected a file, got a folder");
  }
  std::string content;
  content.reserve(static_cast<size_t>(info.st_size));
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return DataLoss("cannot read: ", path, ": ", strerror(errno));
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
  }
}

absl::Status WriteFileAtomic(const std::string& path, std::string_view content) {
  OPENP5_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Open(path));
  OPENP5_RETURN_IF_ERROR(file.Write(content));
  return file.Commit();
}

absl::Status AppendToFile(const std::string& path, std::string_view content) {
  FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (fd.get() < 0) return ErrnoStatus("cannot open for appending", path, errno);
  OPENP5_RETURN_IF_ERROR(WriteAll(fd.get(), path, content));
  if (!fd.Close()) return ErrnoStatus("cannot close", path, errno);
  return absl::OkStatus();
}

int64_t FileSize(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

absl::Status CutFile(const std::string& path, int64_t size) {
  if (FileSize(path) <= size) return absl::OkStatus();
  if (truncate(path.c_str(), size) != 0) return ErrnoStatus("cannot cut", path, errno);
  return absl::OkStatus();
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FailedPrecondition("cannot make folder: ", path, ": ", error.message());
  return absl::OkStatus();
}

bool FileExists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  if (folder.empty() || (!name.empty() && name.front() == '/')) return std::string(name);
  return StrCat(folder, folder.back() == '/' ? "" : "/", name);
}

std::string BaseName(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

std::string DirectoryName(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

absl::StatusOr<std::shared_ptr<FileLock>> FileLock::Take(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoStatus("cannot open", path, errno);
  std::shared_ptr<FileLock> lock(new FileLock(fd));
  // EOPNOTSUPP and the like: a file system without locks.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return FailedPrecondition("locked: ", path, ": another process works here");
  }
  return lock;
}

FileLock::~FileLock() { close(fd_); }

absl::Status SyncToDevice(const std::string& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus("cannot open", path, errno);
  return SyncOpen(fd.get(), path);
}

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus("cannot open", path, errno);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return ErrnoStatus("cannot inspect", path, errno);
  if (S_ISDIR(info.st_mode)) {
    return FailedPrecondition("cannot read: ", path, ": expected a file, got a folder");
  }
  const size_t size = static_cast<size_t>(info.st_size);
  if (size == 0) return MappedFile(-1, nullptr, 0);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus("cannot map", path, errno);
  return MappedFile(fd.Release(), static_cast<const char*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<char*>(data_), size_);
  if (fd_ >= 0) close(fd_);
}

std::shared_ptr<char> MappedFile::MapCopyOnWrite(std::string_view part) const {
  const auto offset = static_cast<size_t>(part.data() - data_);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t lead = offset % page, size = part.size() + lead;
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd_,
                      static_cast<off_t>(offset - lead));
  if (mapped == MAP_FAILED) return nullptr;
  return {static_cast<char*>(mapped) + lead, [mapped, size](char*) { munmap(mapped, size); }};
}

}  // namespace openp5

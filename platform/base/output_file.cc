#include "platform/base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "platform/base/file.h"
#include "platform/base/numbers.h"

namespace openp5 {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

// What stands under a name that a user gave.
struct Target {
  std::string path = {};                     // links followed
  bool is_regular = true;                    // or absent
  int descriptor = -1;                       // this process's own, if that is what the name means
  std::optional<struct stat> replaced = {};  // a regular file
};

// The folder of `path` without links; empty if there is none.
std::string RealFolderOf(const std::string& path) {
  char* const real = realpath(DirectoryName(path).c_str(), nullptr);
  if (real == nullptr) return "";
  std::string folder(real);
  free(real);
  return folder;
}

// The links in /proc/PID/fd lead to open files, not to names: -2 if `link` is none of them, -1 if
// it is another process's, else the descriptor.
int DescriptorOf(const std::string& link) {
  const std::string folder = RealFolderOf(link);
  if (!folder.starts_with("/proc/") || !folder.ends_with("/fd")) return -2;
  if (!folder.starts_with(StrCat("/proc/", static_cast<int>(getpid()), "/"))) return -1;
  return ParseNumber<int>(BaseName(link)).value_or(-1);
}

absl::StatusOr<Target> DescriptorTarget(const std::string& given, int descriptor) {
  if (descriptor >= 0) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
      return UsageError(StrCat(given, ": expected a file that is open for writing, got one that ",
                               flags < 0 ? "is not open" : "is open for reading"));
    }
  }
  return Target{.path = given, .is_regular = false, .descriptor = descriptor};
}

absl::StatusOr<Target> ExistingTarget(const std::string& given, const std::string& path,
                                      const struct stat& info) {
  const mode_t mode = info.st_mode;
  const char* const kind = S_ISDIR(mode)    ? "a folder"
                           : S_ISSOCK(mode) ? "a socket"
                           : S_ISBLK(mode)  ? "a disk"
                                            : nullptr;
  if (kind != nullptr) return UsageError(StrCat(given, ": expected a file to write, got ", kind));
  if (!S_ISREG(mode)) return Target{.path = path, .is_regular = false};
  return Target{.path = path, .replaced = info};
}

// Follows links one by one, as those in /proc/PID/fd must not be followed to a name.
absl::StatusOr<Target> FindTarget(const std::string& given) {
  if (given.empty() || given.ends_with('/')) {
    return UsageError(StrCat(given, ": expected a file to write, got the name of a folder"));
  }
  std::string path = given;
  constexpr int kMostLinks = 40;
  for (int i = 0; i < kMostLinks; ++i) {
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) {
      if (errno == ENOENT) return Target{.path = path};
      return ErrnoStatus("cannot create", given, errno);
    }
    if (!S_ISLNK(info.st_mode)) return ExistingTarget(given, path, info);
    const int descriptor = DescriptorOf(path);
    if (descriptor != -2) return DescriptorTarget(path, descriptor);
    char link[PATH_MAX];
    const ssize_t length = readlink(path.c_str(), link, sizeof link);
    if (length < 0) return ErrnoStatus("cannot read the link", given, errno);
    path = JoinPath(DirectoryName(path), std::string_view(link, static_cast<size_t>(length)));
  }
  return ErrnoStatus("cannot create", given, ELOOP);
}

absl::StatusOr<FileDescriptor> OpenAsItIs(const Target& target) {
  if (target.descriptor == STDOUT_FILENO) fflush(stdout);  // what was printed before comes first
  FileDescriptor fd(target.descriptor >= 0
                        ? fcntl(target.descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                        : open(target.path.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus("cannot open for writing", target.path, errno);
  return fd;
}

// Gives the successor of a file its permissions, and its owner where this process may.
absl::Status TakeOver(const struct stat& replaced, const TemporaryOutput& successor) {
  const bool is_given =
      replaced.st_uid == geteuid() || fchown(successor.fd(), replaced.st_uid, replaced.st_gid) == 0;
  // Without the owner, bits that let others act as the owner must not be kept.
  const mode_t kept = is_given ? 07777 : 0777;
  if (fchmod(successor.fd(), replaced.st_mode & kept) == 0) return absl::OkStatus();
  return ErrnoStatus("cannot set the permissions of", successor.path(), errno);
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Open(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const Target target, FindTarget(path));
  if (!target.is_regular) {
    OPENP5_ASSIGN_OR_RETURN(FileDescriptor fd, OpenAsItIs(target));
    return OutputFile(path, std::move(fd), std::nullopt);
  }
  OPENP5_ASSIGN_OR_RETURN(TemporaryOutput temporary,
                          TemporaryOutput::Make(target.path, TemporaryOutput::Kind::kFile,
                                                target.replaced.has_value() ? 0600 : 0666));
  if (target.replaced.has_value()) {
    OPENP5_RETURN_IF_ERROR(TakeOver(*target.replaced, temporary));
  }
  // Closing is a write of its own on some file systems, but the lock must last until the renaming:
  // so two descriptors.
  FileDescriptor fd(fcntl(temporary.fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (fd.get() < 0) return ErrnoStatus("cannot create", path, errno);
  return OutputFile(target.path, std::move(fd), std::move(temporary));
}

absl::Status OutputFile::Flush() {
  const std::string content = std::exchange(buffer_, "");
  return WriteAll(fd_.get(), path_, content);
}

absl::Status OutputFile::Write(std::string_view content) {
  if (buffer_.size() + content.size() < kBufferBytes) {
    buffer_ += content;
    return absl::OkStatus();
  }
  OPENP5_RETURN_IF_ERROR(Flush());
  return WriteAll(fd_.get(), path_, content);
}

absl::Status OutputFile::Commit() {
  OPENP5_RETURN_IF_ERROR(Flush());
  OPENP5_RETURN_IF_ERROR(SyncOpen(fd_.get(), path_));
  if (!fd_.Close()) return ErrnoStatus("cannot close", path_, errno);
  if (!temporary_.has_value()) return absl::OkStatus();
  if (rename(temporary_->path().c_str(), path_.c_str()) != 0) {
    return ErrnoStatus("cannot rename to", path_, errno);
  }
  temporary_->Forget();
  return SyncToDevice(DirectoryName(path_));
}

absl::Status CheckOutputFiles(const std::vector<OutputOption>& outputs,
                              const std::vector<std::string>& sources) {
  std::map<std::string, std::string> option_of;  // by the file's place
  for (const auto& [option, path] : outputs) {
    if (path.empty()) continue;
    const absl::StatusOr<Target> target = FindTarget(path);
    if (!target.ok()) return Annotate(target.status(), option);
    if (!target->is_regular) continue;
    const std::string folder = RealFolderOf(target->path);
    if (folder.empty() || access(folder.c_str(), W_OK | X_OK) != 0) {
      return Annotate(ErrnoStatus("cannot create", path, errno), option);
    }
    const auto [other, is_new] =
        option_of.emplace(JoinPath(folder, BaseName(target->path)), option);
    if (!is_new) {
      return UsageError(
          StrCat(option, ": ", path, ": expected another file than that of ", other->second));
    }
    for (const std::string& source : sources) {
      if (!IsSameFile(target->path, source)) continue;
      return UsageError(
          StrCat(option, ": ", path, ": expected another file than ", source, ", which is read"));
    }
  }
  return absl::OkStatus();
}

}  // namespace openp5

#include "platform/base/temporary_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "platform/base/file.h"

namespace openp5 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".openp5-", kNew = ".tmp", kOld = ".old";
constexpr size_t kDigits = 16;
constexpr size_t kSuffix = kMark.size() + kDigits + kNew.size();

// A name beside `path` that nobody can foretell.
std::string RandomName(const std::string& path, std::string_view ending) {
  uint64_t digits = 0;
  if (getrandom(&digits, sizeof digits, 0) != sizeof digits) {
    digits = static_cast<uint64_t>(getpid());  // an old kernel: the name is tried, not trusted
  }
  // A name as long as the file system allows has no room for more.
  const std::string name = BaseName(path).substr(0, NAME_MAX - kSuffix);
  return JoinPath(DirectoryName(path),
                  StrCat(name, kMark, absl::StrFormat("%016x", digits), ending));
}

// The part of a temporary name before what we add; empty if it is none of ours.
std::string_view OutputOf(std::string_view name) {
  if (name.size() <= kSuffix || (!name.ends_with(kNew) && !name.ends_with(kOld))) return "";
  const std::string_view suffix = name.substr(name.size() - kSuffix);
  if (!suffix.starts_with(kMark)) return "";
  const std::string_view digits = suffix.substr(kMark.size(), kDigits);
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return "";
  return name.substr(0, name.size() - kSuffix);
}

// Makes the file or folder `path`, which must not exist, and locks it. -1 with errno if it cannot
// be made.
FileDescriptor MakeLocked(const std::string& path, TemporaryOutput::Kind kind, mode_t mode) {
  const bool is_file = kind == TemporaryOutput::Kind::kFile;
  if (!is_file && mkdir(path.c_str(), mode) != 0) return FileDescriptor();
  const int flags = is_file ? O_WRONLY | O_CREAT | O_EXCL : O_RDONLY | O_DIRECTORY;
  FileDescriptor fd(open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
  if (fd.get() < 0) {
    const int error = errno;
    if (!is_file) rmdir(path.c_str());
    errno = error;
    return fd;
  }
  // Where the file system has no locks, nothing is swept up either.
  flock(fd.get(), LOCK_EX | LOCK_NB);
  return fd;
}

// True if `path` still is the file that is open: a process that sweeps up may have been faster than
// the lock.
bool IsStill(const std::string& path, int fd) {
  struct stat named, opened;
  return lstat(path.c_str(), &named) == 0 && fstat(fd, &opened) == 0 &&
         named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

// True if nobody works on `path`, which is this user's file or folder. `*lock` keeps others away.
bool IsAbandoned(const std::string& path, FileDescriptor* lock) {
  *lock = FileDescriptor(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info;
  if (lock->get() < 0 || fstat(lock->get(), &info) != 0) return false;
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return false;
  return info.st_uid == geteuid() && flock(lock->get(), LOCK_EX | LOCK_NB) == 0;
}

// False if output `path` exists. Else what was put aside has its name again, or stays where it is.
bool PutBack(const std::string& aside, const std::string& path) {
  struct stat info;
  if (lstat(path.c_str(), &info) == 0) return false;
  rename(aside.c_str(), path.c_str());
  return true;
}

}  // namespace

bool IsTemporaryName(std::string_view name) { return !OutputOf(name).empty(); }

absl::StatusOr<TemporaryOutput> TemporaryOutput::Make(const std::string& path, Kind kind,
                                                      mode_t mode) {
  SweepTemporaries(DirectoryName(path), BaseName(path));
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    std::string name = RandomName(path, kNew);
    FileDescriptor fd = MakeLocked(name, kind, mode);
    if (fd.get() >= 0 && IsStill(name, fd.get())) return TemporaryOutput(name, std::move(fd));
    if (fd.get() < 0 && errno != EEXIST) return ErrnoStatus("cannot create", path, errno);
  }
  return FailedPrecondition("cannot create: ", path, ": every temporary name beside it is taken");
}

TemporaryOutput::TemporaryOutput(TemporaryOutput&& other) noexcept
    : path_(std::exchange(other.path_, "")), lock_(std::move(other.lock_)) {}

TemporaryOutput::~TemporaryOutput() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string NameAside(const std::string& path) { return RandomName(path, kOld); }

void SweepTemporaries(const std::string& folder, std::string_view name) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string entry = at->path().filename().string();
    const std::string_view output = OutputOf(entry);
    if (output.empty()) continue;
    if (!name.empty() && output != name.substr(0, NAME_MAX - kSuffix)) continue;
    found.push_back(std::move(entry));
  }
  // What was put aside first: the output may have to come back.
  std::partition(found.begin(), found.end(),
                 [](const std::string& entry) { return entry.ends_with(kOld); });
  for (const std::string& entry : found) {
    const std::string path = JoinPath(folder, entry);
    FileDescriptor lock;
    if (!IsAbandoned(path, &lock)) continue;
    if (entry.ends_with(kOld) &&
        PutBack(path, JoinPath(folder, name.empty() ? OutputOf(entry) : name))) {
      continue;
    }
    fs::remove_all(path, error);
  }
}

}  // namespace openp5

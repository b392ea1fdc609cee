#ifndef OPENP5_PLATFORM_BASE_FILE_H_
#define OPENP5_PLATFORM_BASE_FILE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5 {

// The whole file. NotFound if it does not exist, FailedPrecondition if it is a folder,
// DataLoss if reading fails half-way.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces `path` by `content`: written to a temporary name beside it, synced, renamed. On failure
// (no space, no permission) `path` is as it was and nothing is left beside it.
absl::Status WriteFileAtomic(const std::string& path, std::string_view content);

// Appends to `path` (created if absent) and flushes to the operating system.
absl::Status AppendToFile(const std::string& path, std::string_view content);
// Cuts `path` to its first `size` bytes; a shorter or absent file stays as it is.
absl::Status CutFile(const std::string& path, int64_t size);
// 0 for an absent file.
int64_t FileSize(const std::string& path);

absl::Status MakeDirectories(const std::string& path);
bool FileExists(const std::string& path);
bool IsDirectory(const std::string& path);

// Joins two parts with one '/'. `name` alone if `folder` is empty or `name` is absolute.
std::string JoinPath(std::string_view folder, std::string_view name);

// The last component, a trailing '/' ignored.
std::string BaseName(std::string_view path);
// All but the last component; "." if there is none.
std::string DirectoryName(std::string_view path);

// Makes folder `path` appear whole or not at all: `fill(temporary)` writes into a folder beside it,
// whose files are then synced, and which takes the place of `path` by renaming. An existing `path`
// is replaced only after the new one is complete. On failure the temporary folder is removed.
absl::Status WriteDirectoryAtomic(const std::string& path,
                                  const std::function<absl::Status(const std::string&)>& fill);

// True for the names that the two functions above write under: what a killed process left behind.
bool IsTemporaryName(std::string_view name);

// Holds a file for this process alone, until it is destroyed or the process ends.
class FileLock {
 public:
  // Makes `path` if it is absent. FailedPrecondition if another process holds it.
  static absl::StatusOr<std::shared_ptr<FileLock>> Take(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  const int fd_;
};

// Flushes a file's or a folder's content to the device.
absl::Status SyncToDevice(const std::string& path);

// A read-only view of a whole file through the page cache. Movable; unmaps when destroyed.
class MappedFile {
 public:
  // NotFound, or FailedPrecondition if it cannot be mapped. An empty file gives an empty view.
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {data_, size_}; }

  // A view of its own of `part`, which lies in bytes(): pages are those of the page cache until
  // they are written to, and then this process's alone; the file never changes. It outlives this
  // object and is unmapped with the last owner. nullptr if it cannot be mapped (too many mappings).
  // As with every mapping, a file that someone shortens meanwhile ends the process with SIGBUS.
  std::shared_ptr<char> MapCopyOnWrite(std::string_view part) const;

 private:
  MappedFile(int fd, const char* data, size_t size) : fd_(fd), data_(data), size_(size) {}
  int fd_ = -1;
  const char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_FILE_H_

#include "platform/base/output_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "platform/base/file.h"
#include "platform/base/temporary_output.h"

namespace openp5 {
namespace {

namespace fs = std::filesystem;

constexpr char kMark[] = ".openp5-output";
constexpr char kLostAndFound[] = "lost+found";  // an empty file system's own folder

// The absolute path of folder `given` without links, dots and slashes at its end. It need not
// exist. A usage error for what is there and no folder.
absl::StatusOr<std::string> ResolveFolder(const std::string& given) {
  if (given.empty()) return UsageError("expected the name of a folder, got an empty one");
  std::error_code error;
  std::string path = JoinPath(DirectoryName(given), BaseName(given));
  struct stat info;
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOTDIR) {
      return UsageError(StrCat(given, ": expected a folder, got a name below a file"));
    }
    if (errno != ENOENT) {
      return FailedPrecondition("cannot create: ", given, ": ",
                                std::error_code(errno, std::generic_category()).message());
    }
    // A part of it is missing: what its dots mean then, no kernel says.
    path = fs::weakly_canonical(fs::absolute(path, error), error).string();
    if (error) return FailedPrecondition("cannot create: ", given, ": ", error.message());
    path = JoinPath(DirectoryName(path), BaseName(path));
    if (lstat(path.c_str(), &info) != 0) return path;
  }
  const std::string real = fs::canonical(path, error).string();
  if (error) {
    return UsageError(StrCat(given, ": expected a folder, got a link that leads nowhere"));
  }
  if (!IsDirectory(real)) return UsageError(StrCat(given, ": expected a folder, got a file"));
  return real;
}

// True if `path` is `folder` or lies in it, by whatever name.
bool IsInside(const std::string& path, const std::string& folder) {
  std::error_code error;
  for (std::string at = fs::canonical(path, error).string(); !error; at = DirectoryName(at)) {
    if (IsSameFile(at, folder)) return true;
    if (at == "/") return false;
  }
  return false;
}

bool IsMountPoint(const std::string& folder) {
  struct statx info = {};
  if (statx(AT_FDCWD, folder.c_str(), AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &info) == 0 &&
      (info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
    return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  }
  struct stat own, above;
  return stat(folder.c_str(), &own) == 0 && stat(DirectoryName(folder).c_str(), &above) == 0 &&
         own.st_dev != above.st_dev;
}

// What is in `folder` and none of `files`, nor a folder on the way to one of them; left-overs of a
// killed process do not count.
absl::StatusOr<std::optional<std::string>> FindStranger(const std::string& folder,
                                                        const std::set<std::string>& files) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().lexically_relative(folder).generic_string();
    const bool is_folder = at->is_directory(error) && !at->is_symlink(error);
    if (IsTemporaryName(BaseName(name)) || (at.depth() == 0 && name == kLostAndFound)) {
      if (is_folder) at.disable_recursion_pending();
      continue;
    }
    const auto next = files.lower_bound(is_folder ? name + "/" : name);
    const bool is_known =
        next != files.end() && (is_folder ? next->starts_with(name + "/") : *next == name);
    if (!is_known) return name;
  }
  if (error) return FailedPrecondition("cannot list: ", folder, ": ", error.message());
  return std::nullopt;
}

// The first folder above `path` that exists.
std::string ExistingAbove(const std::string& path) {
  std::string above = DirectoryName(path);
  while (!FileExists(above)) above = DirectoryName(above);
  return above;
}

bool MayWriteIn(const std::string& folder) { return access(folder.c_str(), W_OK | X_OK) == 0; }

// An empty folder beside which nothing can be made is filled where it is.
bool IsFilledInPlace(const std::string& path) {
  return FileExists(path) && (IsMountPoint(path) || !MayWriteIn(DirectoryName(path)));
}

absl::Status SyncTree(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    OPENP5_RETURN_IF_ERROR(SyncToDevice(entry.path().string()));
  }
  if (error) return FailedPrecondition("cannot list: ", folder, ": ", error.message());
  return SyncToDevice(folder);
}

// Where names cannot be exchanged: the old folder steps aside, and comes back if the new one cannot
// take its place.
absl::Status ReplaceByRenaming(const std::string& successor, const std::string& path) {
  const std::string aside = NameAside(path);
  if (rename(path.c_str(), aside.c_str()) != 0) return ErrnoStatus("cannot replace", path, errno);
  if (rename(successor.c_str(), path.c_str()) == 0) {
    std::error_code ignored;
    fs::remove_all(aside, ignored);
    return absl::OkStatus();
  }
  const absl::Status failure = ErrnoStatus("cannot rename to", path, errno);
  if (rename(aside.c_str(), path.c_str()) == 0) return failure;
  return Annotate(failure, StrCat("what was in ", path, " is in ", aside, " now"));
}

// Renames folder `successor` to `path`. If a folder with files is at `path`, the two names are
// exchanged in one step where the file system can, so that at every moment one of the two is whole
// and in place.
absl::Status TakePlace(TemporaryOutput* successor, const std::string& path) {
  struct stat replaced;
  if (stat(path.c_str(), &replaced) == 0 &&
      fchmod(successor->fd(), replaced.st_mode & 07777) != 0) {
    return ErrnoStatus("cannot set the permissions of", successor->path(), errno);
  }
  // No folder but an empty one is replaced by this.
  if (rename(successor->path().c_str(), path.c_str()) == 0) {
    successor->Forget();
    return absl::OkStatus();
  }
  if (errno != ENOTEMPTY && errno != EEXIST) return ErrnoStatus("cannot rename to", path, errno);
  if (renameat2(AT_FDCWD, successor->path().c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) ==
      0) {
    return absl::OkStatus();  // the temporary name is that of the old folder
  }
  OPENP5_RETURN_IF_ERROR(ReplaceByRenaming(successor->path(), path));
  successor->Forget();
  return absl::OkStatus();
}

// Moves what is in folder `from` to its parent `to`, all or nothing.
absl::Status MoveUp(const std::string& from, const std::string& to) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    names.push_back(entry.path().filename().string());
  }
  if (error) return FailedPrecondition("cannot list: ", from, ": ", error.message());
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string name = JoinPath(from, names[i]), place = JoinPath(to, names[i]);
    if (renameat2(AT_FDCWD, name.c_str(), AT_FDCWD, place.c_str(), RENAME_NOREPLACE) == 0 ||
        (!FileExists(place) && rename(name.c_str(), place.c_str()) == 0)) {
      continue;
    }
    const absl::Status failure = ErrnoStatus("cannot rename to", place, errno);
    while (i-- > 0) rename(JoinPath(to, names[i]).c_str(), JoinPath(from, names[i]).c_str());
    return failure;
  }
  return absl::OkStatus();
}

std::string MarkHead(const std::string& kind_name) {
  return StrCat("openp5 wrote this folder, ", kind_name, ", and may replace it. Its files:\n");
}

absl::Status WriteMark(const std::string& folder, const std::string& kind_name) {
  std::string text = MarkHead(kind_name);
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.is_directory()) continue;
    names.insert(entry.path().lexically_relative(folder).generic_string());
  }
  if (error) return FailedPrecondition("cannot list: ", folder, ": ", error.message());
  for (const std::string& name : names) text += name + "\n";
  return WriteFileAtomic(JoinPath(folder, kMark), text);
}

std::set<std::string> MarkedFiles(const std::string& folder, const std::string& kind_name) {
  const std::string text = ReadFile(JoinPath(folder, kMark)).value_or("");
  const std::string head = MarkHead(kind_name);
  if (!text.starts_with(head)) return {};
  std::set<std::string> names = {kMark};
  for (size_t from = head.size(); from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    names.insert(text.substr(from, end - from));
    from = end + 1;
  }
  return names;
}

absl::Status CheckContent(const std::string& given, const std::string& path,
                          const FolderKind& kind) {
  OPENP5_ASSIGN_OR_RETURN(const auto first, FindStranger(path, {}));
  if (!first.has_value()) return absl::OkStatus();
  const std::string expected =
      StrCat(given, ": expected nothing there, an empty folder or ", kind.name, ", got ");
  const char* const hint = "; hint: choose another folder, or remove this one yourself";
  if (IsFilledInPlace(path)) {
    return UsageError(StrCat(expected, IsMountPoint(path) ? "a mount point" : "a folder",
                             " with files in it, such as ", *first,
                             ", that nothing can take the place of; hint: choose a folder below"));
  }
  const std::set<std::string> own = kind.files(path);
  if (own.empty()) {
    return UsageError(StrCat(expected, "a folder with other files, such as ", *first, hint));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto stranger, FindStranger(path, own));
  if (!stranger.has_value()) return absl::OkStatus();
  return UsageError(StrCat(expected, "one with another file in it, ", *stranger, hint));
}

}  // namespace

absl::Status CheckOutputFolder(const std::string& given, const FolderKind& kind,
                               const std::vector<std::string>& sources) {
  OPENP5_ASSIGN_OR_RETURN(const std::string path, ResolveFolder(given));
  if (path == "/" || IsInside(".", path)) {
    return UsageError(StrCat(given, ": expected a folder of its own for the output, got ",
                             path == "/" ? "the root of the file system"
                                         : "the working directory or a folder above it"));
  }
  for (const std::string& source : sources) {
    if (!FileExists(path) || !IsInside(source, path)) continue;
    return UsageError(
        StrCat(given, ": expected another folder than that of ", source, ", which is read"));
  }
  if (FileExists(path)) OPENP5_RETURN_IF_ERROR(CheckContent(given, path, kind));
  const std::string above = IsFilledInPlace(path) ? path : ExistingAbove(path);
  if (!IsDirectory(above)) {
    return UsageError(StrCat(given, ": expected a folder, got a name below a file"));
  }
  return MayWriteIn(above) ? absl::OkStatus() : ErrnoStatus("cannot create", given, errno);
}

absl::Status WriteDirectoryAtomic(const std::string& given,
                                  const std::function<absl::Status(const std::string&)>& fill) {
  OPENP5_ASSIGN_OR_RETURN(const std::string path, ResolveFolder(given));
  OPENP5_RETURN_IF_ERROR(MakeDirectories(DirectoryName(path)));
  const bool in_place = IsFilledInPlace(path);
  if (in_place) {
    OPENP5_ASSIGN_OR_RETURN(const auto file, FindStranger(path, {}));
    if (file.has_value()) {
      return FailedPrecondition("cannot replace: ", given, ": it is not empty, and no folder can ",
                                "take its place");
    }
  }
  struct stat replaced;
  const mode_t mode = stat(path.c_str(), &replaced) == 0 ? (replaced.st_mode & 0777) | 0700 : 0777;
  OPENP5_ASSIGN_OR_RETURN(TemporaryOutput temporary,
                          TemporaryOutput::Make(in_place ? JoinPath(path, BaseName(path)) : path,
                                                TemporaryOutput::Kind::kFolder, mode));
  OPENP5_RETURN_IF_ERROR(fill(temporary.path()));
  OPENP5_RETURN_IF_ERROR(SyncTree(temporary.path()));
  OPENP5_RETURN_IF_ERROR(in_place ? MoveUp(temporary.path(), path) : TakePlace(&temporary, path));
  return SyncToDevice(in_place ? path : DirectoryName(path));
}

FolderKind MarkedKind(const std::string& name) {
  return {.name = name,
          .files = [name](const std::string& path) { return MarkedFiles(path, name); }};
}

absl::Status WriteMarkedFolder(const std::string& path, const std::string& kind_name,
                               const std::function<absl::Status(const std::string&)>& fill) {
  return WriteDirectoryAtomic(path, [&](const std::string& folder) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(fill(folder));
    return WriteMark(folder, kind_name);
  });
}

}  // namespace openp5

#ifndef OPENP5_PLATFORM_BASE_OUTPUT_FOLDER_H_
#define OPENP5_PLATFORM_BASE_OUTPUT_FOLDER_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5 {

// A kind of folder that a command writes, such as a dataset folder.
struct FolderKind {
  std::string name;  // "a prepared dataset"
  // The files, relative to folder `path`, that one of this kind consists of. Empty if there is none
  // of this kind.
  std::function<std::set<std::string>(const std::string& path)> files;
};

// OK if a folder of `kind` may be made at `path`: nothing is there, or an empty folder, or one of
// this kind without any other file. Else a usage error that names what is there. Also a usage error
// for the root, the working directory and those above it, for a mount point that is not empty, and
// for a folder that is one of `sources` or holds one. FailedPrecondition if nothing can be made
// there. Commands ask before long work.
absl::Status CheckOutputFolder(const std::string& path, const FolderKind& kind,
                               const std::vector<std::string>& sources = {});

// A kind whose files do not say that they are ours, such as an export for another program: the
// folder has a mark, a hidden file that names the kind and lists the files.
FolderKind MarkedKind(const std::string& name);
// WriteDirectoryAtomic (platform/base/file.h) with such a mark.
absl::Status WriteMarkedFolder(const std::string& path, const std::string& kind_name,
                               const std::function<absl::Status(const std::string&)>& fill);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_OUTPUT_FOLDER_H_

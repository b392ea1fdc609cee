#ifndef OPENP5_PLATFORM_BASE_TEMPORARY_OUTPUT_H_
#define OPENP5_PLATFORM_BASE_TEMPORARY_OUTPUT_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "platform/base/file_descriptor.h"
#include "platform/base/status.h"

namespace openp5 {

// A new file or folder beside an output, which takes the output's place when it is complete. Its
// name is NAME.openp5-XXXXXXXXXXXXXXXX.tmp with random digits; it is made by this process alone
// (nothing that stands there is opened, and no link is followed) and locked while it is filled.
class TemporaryOutput {
 public:
  enum class Kind { kFile, kFolder };

  // Makes one beside `path`, with the permissions `mode` less the umask, and removes what killed
  // processes left of the same output before. NotFound without the folder, FailedPrecondition if
  // nothing can be made there.
  static absl::StatusOr<TemporaryOutput> Make(const std::string& path, Kind kind, mode_t mode);
  TemporaryOutput(TemporaryOutput&& other) noexcept;
  TemporaryOutput(const TemporaryOutput&) = delete;
  // Removes whatever has the temporary name, unless Forget was called.
  ~TemporaryOutput();

  const std::string& path() const { return path_; }
  int fd() const { return lock_.get(); }
  // To be called when nothing has the temporary name any more.
  void Forget() { path_.clear(); }

 private:
  TemporaryOutput(std::string path, FileDescriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;  // empty: nothing to remove
  FileDescriptor lock_;
};

// A name beside `path` that is free, for the output that stands there while another takes its
// place: NAME.openp5-XXXXXXXXXXXXXXXX.old.
std::string NameAside(const std::string& path);

// Removes from `folder` what killed processes left of output `name`, or of any if it is empty: what
// has a name as above, belongs to this user, and is not locked by a process that works on it. An
// output that was put aside and has no successor gets its name back.
void SweepTemporaries(const std::string& folder, std::string_view name = "");

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_TEMPORARY_OUTPUT_H_

#include "platform/app/text_output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <utility>

#include "platform/base/file.h"

namespace openp5::app {

absl::StatusOr<TextOutput> TextOutput::Open(const std::string& path) {
  if (path.empty()) return TextOutput("", "", stdout);
  std::string temporary = StrCat(path, ".", static_cast<int>(getpid()), ".tmp");
  std::FILE* file = std::fopen(temporary.c_str(), "wbe");
  if (file == nullptr) {
    const std::string message = StrCat("cannot create: ", temporary, ": ", strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(message) : absl::FailedPreconditionError(message);
  }
  return TextOutput(path, std::move(temporary), file);
}

TextOutput::TextOutput(TextOutput&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, "")),
      file_(std::exchange(other.file_, nullptr)) {}

TextOutput::~TextOutput() {
  if (temporary_.empty()) return;
  if (file_ != nullptr) std::fclose(file_);
  unlink(temporary_.c_str());
}

absl::Status TextOutput::Failure(std::string_view what) const {
  return FailedPrecondition(what, ": ", path_.empty() ? "standard output" : path_, ": ",
                            strerror(errno));
}

absl::Status TextOutput::Write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) == text.size()) return absl::OkStatus();
  return Failure("cannot write");
}

absl::Status TextOutput::Close() {
  if (path_.empty()) return std::fflush(file_) == 0 ? absl::OkStatus() : Failure("cannot write");
  if (std::fclose(std::exchange(file_, nullptr)) != 0) return Failure("cannot write");
  OPENP5_RETURN_IF_ERROR(SyncToDevice(temporary_));
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return Failure("cannot rename to");
  temporary_.clear();
  return SyncToDevice(DirectoryName(path_));
}

}  // namespace openp5::app

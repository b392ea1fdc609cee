#ifndef OPENP5_PLATFORM_APP_TEXT_OUTPUT_H_
#define OPENP5_PLATFORM_APP_TEXT_OUTPUT_H_

#include <cstdio>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5::app {

// A command's long result, written piece by piece to standard output or to a file that appears
// whole or not at all. Not thread-safe.
class TextOutput {
 public:
  // Standard output if `path` is empty. FailedPrecondition or NotFound (no such folder) if the file
  // cannot be made.
  static absl::StatusOr<TextOutput> Open(const std::string& path);
  TextOutput(TextOutput&& other) noexcept;
  TextOutput(const TextOutput&) = delete;
  // Drops what was written to a file unless Close succeeded.
  ~TextOutput();

  // FailedPrecondition if it cannot be written (no space, a closed pipe).
  absl::Status Write(std::string_view text);
  // Puts the file in its place. To be called once, after the last Write.
  absl::Status Close();

 private:
  TextOutput(std::string path, std::string temporary, std::FILE* file)
      : path_(std::move(path)), temporary_(std::move(temporary)), file_(file) {}
  absl::Status Failure(std::string_view what) const;

  std::string path_, temporary_;  // both empty for standard output
  std::FILE* file_;
};

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_TEXT_OUTPUT_H_

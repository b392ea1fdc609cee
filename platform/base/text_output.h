#ifndef OPENP5_PLATFORM_BASE_TEXT_OUTPUT_H_
#define OPENP5_PLATFORM_BASE_TEXT_OUTPUT_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "platform/base/output_file.h"
#include "platform/base/status.h"

namespace openp5 {

// A command's long result, written piece by piece to standard output or to a file (see OutputFile).
// Not thread-safe.
class TextOutput {
 public:
  // Standard output if `path` is empty, else as OutputFile::Open.
  static absl::StatusOr<TextOutput> Open(const std::string& path);

  // FailedPrecondition if it cannot be written (no space, a closed pipe).
  absl::Status Write(std::string_view text);
  // Puts the file in its place. To be called once, after the last Write.
  absl::Status Close();

 private:
  explicit TextOutput(std::optional<OutputFile> file) : file_(std::move(file)) {}

  std::optional<OutputFile> file_;  // none: standard output
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_TEXT_OUTPUT_H_

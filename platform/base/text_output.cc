#include "platform/base/text_output.h"

#include "platform/base/standard_streams.h"

namespace openp5 {

absl::StatusOr<TextOutput> TextOutput::Open(const std::string& path) {
  if (path.empty()) return TextOutput(std::nullopt);
  OPENP5_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Open(path));
  return TextOutput(std::move(file));
}

absl::Status TextOutput::Write(std::string_view text) {
  return file_.has_value() ? file_->Write(text) : AppendStandardOutput(text);
}

absl::Status TextOutput::Close() {
  return file_.has_value() ? file_->Commit() : FlushStandardOutput();
}

}  // namespace openp5

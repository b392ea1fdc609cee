#ifndef OPENP5_CHECKPOINTS_EXPORT_H_
#define OPENP5_CHECKPOINTS_EXPORT_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/output_folder.h"
#include "platform/base/status.h"

namespace openp5::checkpoints {

struct ExportRequest {
  std::string checkpoint;  // a checkpoint folder of openp5 with a language model
  std::string backbone;    // of an adapter; empty: where it was in training
};

// What an exporter did, beyond the files.
using Notes = std::vector<std::string>;

// A form to export to. `write` writes folder `out`, of kind `kind`, whole or not at all. It fails
// as ReadManifest, ReadModelWeights and the writer of the form; FailedPrecondition for a model that
// has no such form.
struct ExportForm {
  std::string_view name, help;
  FolderKind (*kind)();
  absl::StatusOr<Notes> (*write)(const ExportRequest& request, const std::string& out);
};

// The names of all forms: "huggingface", "openp5", "peft", "checkpoint".
std::span<const ExportForm> ExportForms();

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_EXPORT_H_

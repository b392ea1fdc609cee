#ifndef OPENP5_CHECKPOINTS_FOLDER_KINDS_H_
#define OPENP5_CHECKPOINTS_FOLDER_KINDS_H_

#include "platform/base/output_folder.h"

namespace openp5::checkpoints {

// What CheckOutputFolder takes for a checkpoint: a folder with a manifest of ours and the files
// that it lists.
FolderKind CheckpointKind();

// What the marks of the folders say that WriteHuggingFaceFolder and WritePeftAdapter make.
inline constexpr char kHuggingFaceExport[] = "an export of a model for transformers";
inline constexpr char kPeftExport[] = "an export of an adapter for PEFT";

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_FOLDER_KINDS_H_

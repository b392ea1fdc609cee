#ifndef OPENP5_PLATFORM_APP_CHECKPOINT_TRANSFER_COMMANDS_H_
#define OPENP5_PLATFORM_APP_CHECKPOINT_TRANSFER_COMMANDS_H_

#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5::app {

// `checkpoint import`: a model made elsewhere becomes a checkpoint folder of ours.
absl::Status RunCheckpointImport(const std::vector<std::string>& arguments);

// `checkpoint export`: a checkpoint folder of ours in a form that others read.
absl::Status RunCheckpointExport(const std::vector<std::string>& arguments);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_CHECKPOINT_TRANSFER_COMMANDS_H_

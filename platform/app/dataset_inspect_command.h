#ifndef OPENP5_PLATFORM_APP_DATASET_INSPECT_COMMAND_H_
#define OPENP5_PLATFORM_APP_DATASET_INSPECT_COMMAND_H_

#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5::app {

// `openp5 dataset inspect`: what is in prepared datasets.
absl::Status RunDatasetInspect(const std::vector<std::string>& arguments);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_DATASET_INSPECT_COMMAND_H_

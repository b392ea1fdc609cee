#ifndef OPENP5_PLATFORM_APP_TOKENIZER_TRAIN_COMMAND_H_
#define OPENP5_PLATFORM_APP_TOKENIZER_TRAIN_COMMAND_H_

#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5::app {

// `tokenizer train`: trains a T5-style model on the training prompts of datasets, or on a text
// file.
absl::Status RunTokenizerTrain(const std::vector<std::string>& arguments);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_TOKENIZER_TRAIN_COMMAND_H_

#ifndef OPENP5_PLATFORM_APP_READING_H_
#define OPENP5_PLATFORM_APP_READING_H_

#include "checkpoints/checkpoint.h"
#include "checkpoints/reading.h"
#include "platform/base/status.h"
#include "platform/config/command_line.h"

namespace openp5::app {

// Gives the options of `reading` that `line` was not given the values that the model of `source`
// was trained with, and "prompt-file" the folder's prompts. One line of the log names the options
// that the caller gave other values; a warning says if a checkpoint is of version 1, which keeps no
// prompts. `reading` must be bound to `line`. `source` is a checkpoint folder of openp5, or one
// that `checkpoint export` wrote; anything else leaves the options alone. Fails as FindReading.
absl::Status UseReading(const checkpoints::ModelSource& source, const checkpoints::Reading& reading,
                        CommandLine* line);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_READING_H_

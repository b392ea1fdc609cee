#ifndef OPENP5_PLATFORM_APP_READING_H_
#define OPENP5_PLATFORM_APP_READING_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "platform/base/status.h"
#include "platform/config/command_line.h"
#include "platform/config/options.h"

namespace openp5::app {

// How a model is shown a user's history, besides prompts, tokenizer and item index. A checkpoint
// keeps these values as "reading" in its manifest, so that it is asked as it was trained.
struct Reading {
  std::vector<std::string> tasks = {"sequential"};
  datasets::HistoryOptions history;
  int64_t max_input_tokens = 512;
  bool openp5_compat = false;

  void ForEach(OptionVisitor& visitor);
  nlohmann::json Json() const;
};

// Gives the options of `reading` that `line` was not given the values that the model in folder
// `path` was trained with, and "prompt-file" the folder's prompts. One line of the log names the
// options that the caller gave other values; a warning says if a checkpoint is of version 1, which
// keeps no prompts. `reading` must be bound to `line`. `path` is a checkpoint folder of openp5, or
// one that `checkpoint export` wrote; anything else leaves the options alone. Fails as
// ReadManifest; DataLoss if a kept value is of another type.
absl::Status UseReading(const std::string& path, const Reading& reading, CommandLine* line);

// Puts prompts, item index and reading of checkpoint folder `path` into the folder "openp5" inside
// of `folder`, an export for others, whose own files have no place for them. Fails as ReadManifest
// and WriteFileAtomic.
absl::Status WriteReading(const std::string& path, const std::string& folder);
// The item index that WriteReading put into an export; it may be absent.
std::string ExportedIndex(const std::string& folder);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_READING_H_

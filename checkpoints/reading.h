#ifndef OPENP5_CHECKPOINTS_READING_H_
#define OPENP5_CHECKPOINTS_READING_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.h"
#include "datasets/samples.h"
#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::checkpoints {

// How a model is shown a user's history, besides prompts, tokenizer and item index. A checkpoint
// keeps these values as "reading" in its manifest, so that it is asked as it was trained.
struct Reading {
  std::vector<std::string> tasks = {"sequential"};
  datasets::HistoryOptions history;
  int64_t max_input_tokens = 512;
  bool openp5_compat = false;
  std::string response_mark = "Response:";   // between a causal model's prompt and its response
  std::string score_normalization = "full";  // of a generative model's scores; or "allowed"

  void ForEach(OptionVisitor& visitor);
  nlohmann::json Json() const;
};

// What a folder keeps of how its model reads.
struct KeptReading {
  Reading reading;
  std::string prompt_file;  // may be absent, in folders of version 1
};

// Returns what a checkpoint folder of openp5, or one that `checkpoint export` wrote, keeps of how
// its model reads. Returns nothing for a folder that does not say how its model reads, or whose
// model reads no text. DataLoss if a kept value is of another type.
absl::StatusOr<std::optional<KeptReading>> FindReading(const ModelSource& source);

// Puts prompts, item index and reading of checkpoint folder `path` into the folder "openp5" inside
// of `folder`, an export for others, whose own files have no place for them. Fails as ReadManifest
// and WriteFileAtomic.
absl::Status WriteReading(const std::string& path, const std::string& folder);
// The item index that WriteReading put into an export; it may be absent.
std::string ExportedIndex(const std::string& folder);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_READING_H_

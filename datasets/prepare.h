#ifndef OPENP5_DATASETS_PREPARE_H_
#define OPENP5_DATASETS_PREPARE_H_

#include <nlohmann/json.hpp>
#include <string>

#include "datasets/loaders/raw_dataset.h"
#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::datasets {

struct PrepareOptions {
  std::string raw;               // archive, folder or file, see RawFiles
  std::string out;               // dataset folder to make; its name is the dataset's in prompts
  std::string ties = "dataset";  // the preset's, or "numpy", "stable", see TieOrder
  int64_t max_bad_lines = 0;     // see LoadOptions

  void ForEach(OptionVisitor& visitor);
};

// Turns raw files into a dataset folder (user_sequence.txt, item_metadata.jsonl, dataset.json) and
// returns the content of dataset.json: source files with digests, rule, order, counts, digest, and
// under "comparison" how the result stands to OpenP5's. The failures of the loader and of
// WriteDatasetFolder, and InvalidArgument "no interactions" with the counts after each step if the
// filter leaves nothing; then nothing is written. A result that differs from OpenP5's is no error.
absl::StatusOr<nlohmann::ordered_json> PrepareDataset(const std::string& name,
                                                      const DatasetPreset& preset,
                                                      const PrepareOptions& options);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_PREPARE_H_

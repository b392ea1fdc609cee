#ifndef OPENP5_DATASETS_RAW_DATASET_H_
#define OPENP5_DATASETS_RAW_DATASET_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "datasets/interactions.h"
#include "datasets/raw_files.h"
#include "platform/base/status.h"
#include "platform/registry/registry.h"

namespace openp5::datasets {

// What is known of an item besides its id; UTF-8.
struct ItemMetadata {
  std::string item, title;
  std::vector<std::pair<std::string, std::string>> more;  // written as they are, e.g. a date
  std::vector<std::string> categories;
};

// What a loader makes of raw files: every event in file order, nothing filtered yet.
struct RawDataset {
  Interactions interactions;
  std::vector<ItemMetadata> items;  // in file order, each item once; may be empty
  std::vector<SourceFile> files;
};

// A dataset that `dataset prepare` knows by name.
struct DatasetPreset {
  std::string title;  // "MovieLens 100K"
  std::string rule;   // one line for dataset.json: what counts as an interaction, filter, order
  int64_t core = 5;   // see FilterKCore
  // Times are seconds since 1970 (1), milliseconds (1000), …; 0: only their order means something.
  int64_t time_units_per_second = 1;
  // What OpenP5 got of the same raw files; empty for a dataset that OpenP5 has not.
  InteractionCounts known_counts;
  std::string known_sha256;  // of user_sequence.txt
  // `raw` is the path the user names, see RawFiles. Failures name the file and line.
  std::function<absl::StatusOr<RawDataset>(const std::string& raw)> load;
};

// Every dataset of this unit. A new one: a loader in a file of its own, and a line here.
absl::Status RegisterBuiltinDatasets(Registry<DatasetPreset>* registry);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_RAW_DATASET_H_

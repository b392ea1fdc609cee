#ifndef OPENP5_DATASETS_LOADERS_RAW_DATASET_H_
#define OPENP5_DATASETS_LOADERS_RAW_DATASET_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datasets/interactions.h"
#include "datasets/loaders/raw_files.h"
#include "datasets/sequence_order.h"
#include "platform/base/status.h"
#include "platform/registry/registry.h"

namespace openp5::datasets {

// What is known of an item besides its id; UTF-8.
struct ItemMetadata {
  std::string item, title;
  std::vector<std::pair<std::string, std::string>> more;  // written as they are, e.g. a date
  std::vector<std::string> categories;
};

// What a loader makes of raw files: every event in file order, nothing filtered yet but what is no
// interaction (`steps` says so, e.g. "100 rows, 7 of them buy").
struct RawDataset {
  Interactions interactions;
  std::vector<ItemMetadata> items;  // in file order, each item once; may be empty
  std::vector<SourceFile> files;
  std::string steps;
  // What the files say of the unit of times, instead of the preset's word.
  std::optional<int64_t> time_units_per_second = {};
};

struct LoadOptions {
  std::string raw;            // the path the user names, see RawFiles
  int64_t max_bad_lines = 0;  // skipped before a loader fails
};

// What OpenP5 made of the same raw files. Empty for a dataset that OpenP5 has not.
struct KnownResult {
  InteractionCounts counts;
  std::string sha256;    // of user_sequence.txt; "" where only the next is known
  std::string git_blob;  // SHA-1 of git's blob of it
};

// A dataset that `dataset prepare` knows by name.
struct DatasetPreset {
  std::string title;  // "MovieLens 100K"
  std::string rule;   // one line for dataset.json: what counts as an interaction, filter, order
  int64_t user_core = 5, item_core = 5;  // see FilterKCore
  SequenceOrder order = SequenceOrder::kGlobal;
  TieOrder ties = TieOrder::kNumpy;
  // Users and items get the numbers 1, 2, … in the order of the result instead of their raw ids,
  // which are kept as `raw_id` of the item metadata.
  bool renumber = false;
  bool final_newline = true;  // OpenP5's LastFM has none
  // Times are seconds since 1970 (1), milliseconds (1000), …; 0: only their order means something.
  int64_t time_units_per_second = 1;
  KnownResult known;
  // Failures name the file and line.
  std::function<absl::StatusOr<RawDataset>(const LoadOptions& options)> load;
};

// Every dataset of this unit. A new one: a loader in a file of its own, and a line here.
absl::Status RegisterBuiltinDatasets(Registry<DatasetPreset>* registry);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_RAW_DATASET_H_

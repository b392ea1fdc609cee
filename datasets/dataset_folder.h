#ifndef OPENP5_DATASETS_DATASET_FOLDER_H_
#define OPENP5_DATASETS_DATASET_FOLDER_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "datasets/loaders/raw_dataset.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// The "comparison" of a dataset that has nothing to be compared with.
inline constexpr const char* kNotOfOpenP5 = "not a dataset of OpenP5's";

// What goes into a dataset folder.
struct DatasetContent {
  std::string sequences;               // user_sequence.txt
  std::vector<ItemMetadata> items;     // item_metadata.jsonl; no such file if empty
  nlohmann::ordered_json description;  // dataset.json, without what WriteDatasetFolder adds
};

// When the first and the last of a dataset's interactions took place, in seconds since 1970.
struct TimeSpan {
  int64_t first = 0, last = 0;
};

// A usage error if something else than an empty folder or a dataset folder of ours (one whose
// dataset.json says so, without other files) is at `path`, or one that holds one of `sources`: it
// is never overwritten, see CheckOutputFolder. Commands ask before long work.
absl::Status CheckMayWriteDataset(const std::string& path,
                                  const std::vector<std::string>& sources = {});

// Makes `path` a dataset folder, whole or not at all, and returns its dataset.json: format, version
// and name (the folder's), then `description`, then the digest of user_sequence.txt. Replaces an
// earlier dataset folder of ours, see CheckMayWriteDataset.
absl::StatusOr<nlohmann::ordered_json> WriteDatasetFolder(const std::string& path,
                                                          const DatasetContent& content);

// Part of SequenceDataset::Open. DataLoss if `<folder>/dataset.json` names another digest of
// user_sequence.txt than `digest`. OK if it names none or there is no such file of ours.
absl::Status CheckSequenceDigest(const std::string& folder, const std::string& digest);

// What `<folder>/dataset.json` says under "first_time" and "last_time". Nothing if it does not say
// so (only the order of the times is known, the dataset is made up, an older version prepared it)
// or there is no such file of ours. DataLoss naming the file if it is no JSON or holds something
// else there.
absl::StatusOr<std::optional<TimeSpan>> ReadTimeSpan(const std::string& folder);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_DATASET_FOLDER_H_

#ifndef OPENP5_DATASETS_TABLE_TABLE_H_
#define OPENP5_DATASETS_TABLE_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/loaders/raw_dataset.h"
#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::datasets {

// How a user's own file becomes a dataset.
struct TableOptions {
  std::string user_col = "user_id", item_col = "item_id";
  std::string time_col = "timestamp";  // "": the rows are in order
  // "s", "ms", "us", "ns", "iso" (dates, see ParseDate); "auto": "iso" if the first row has a date,
  // else "s".
  std::string time_unit = "auto";
  std::string time_format;  // of dates, see ParseDateAs; "": as ParseDate takes them
  bool allow_negative_time = false;
  std::string encoding = "utf-8";  // or "latin1"
  std::string separator;           // see TableText; "tab" and "space" by name
  bool no_header = false;          // columns are given by number, from 1
  bool literal_ids = false;        // "nan", "NULL", "None", … are ids
  std::string rating_col, event_col;
  double min_rating = 0;  // with rating_col
  std::vector<std::string> event_values;
  std::string since, until;  // dates in UTC; from `since` on, before `until`
  std::string dedupe =
      "none";  // of a user and an item: "none", "first", "last" (by time), "first-row"
  int64_t k_core_user = 5, k_core_item = 5;
  int64_t min_length = 3;
  std::string order = "global";  // or "per-user", see SequenceOrder
  std::string items;             // file of item descriptions in the same format
  std::string items_item_col;    // its column of item ids; "": item_col
  std::string title_col = "title", category_col;

  void ForEach(OptionVisitor& visitor);
};

// Formats a user's own file may have: "csv" (RFC 4180), "tsv" (no quotes) and "inter" (RecBole's
// atomic files: TSV whose header says `name:type`; with a column item_id_list:token_seq every row
// repeats what its user had before), and "jsonl" (an object a line).
const std::vector<std::string>& TableFormats();

// The preset of such a file. A usage error for options that do not go together.
absl::StatusOr<DatasetPreset> TablePreset(const std::string& format, const TableOptions& options);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TABLE_TABLE_H_

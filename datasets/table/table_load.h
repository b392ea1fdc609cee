#ifndef OPENP5_DATASETS_TABLE_TABLE_LOAD_H_
#define OPENP5_DATASETS_TABLE_TABLE_LOAD_H_

#include <cstdint>
#include <optional>

#include "datasets/loaders/raw_dataset.h"
#include "datasets/table/table.h"
#include "datasets/table/table_records.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// Checked options in the form the rows need.
struct TableRule {
  TableText text;
  TableOptions options;
  std::optional<int64_t> since, until;  // in seconds since 1970
};

// Reads a user's own file and its item descriptions. Times are in the coarsest of the unit's steps
// (microseconds for seconds, seconds for dates) and nanoseconds that holds all of them exactly.
// Failures name file, line and column.
absl::StatusOr<RawDataset> LoadTable(const TableRule& rule, const LoadOptions& load);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TABLE_TABLE_LOAD_H_

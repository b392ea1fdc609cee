#ifndef OPENP5_DATASETS_TABLE_RECORDS_H_
#define OPENP5_DATASETS_TABLE_RECORDS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/raw_reader.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// The fields asked for of one record, in the order asked; empty where it has none.
using RecordVisitor =
    std::function<absl::Status(const std::vector<std::string>& fields, const TextLines& lines)>;

struct TableText {
  std::string format;      // of TableFormats
  bool is_latin1 = false;  // ISO 8859-1 instead of UTF-8
};

// Calls `visit` for every record of a table, its text as UTF-8. InvalidArgument naming
// the place where a column of `columns` is missing, a record has too few or too many fields, or a
// quote is not closed. An empty name in `columns` stands for no column.
absl::Status ForEachRecord(RawReader* reader, int file, const TableText& table,
                           const std::vector<std::string>& columns, const RecordVisitor& visit);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TABLE_RECORDS_H_

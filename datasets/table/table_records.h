#ifndef OPENP5_DATASETS_TABLE_TABLE_RECORDS_H_
#define OPENP5_DATASETS_TABLE_TABLE_RECORDS_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/loaders/raw_reader.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// The fields asked for of one record, in the order asked; empty where it has none.
using RecordVisitor =
    std::function<absl::Status(const std::vector<std::string>& fields, const TextLines& lines)>;

struct TableText {
  std::string format;      // of TableFormats
  bool is_latin1 = false;  // ISO 8859-1 instead of UTF-8
  std::string separator;   // of fields; " ": any run of blanks and tabs; "": the format's own
  bool has_header = true;  // else columns are asked for by their numbers, from 1
};

struct TableColumn {
  std::string name;       // "": none, its field is always empty
  bool is_needed = true;  // in every JSON object; a table's header has all that are named
};

// Calls `visit` for every record of a table, its text as UTF-8. Blank lines are skipped.
// InvalidArgument naming the place where a column of `columns` is missing or there twice, a record
// has too few or too many fields, or a quote is not closed.
absl::Status ForEachRecord(RawReader* reader, int file, const TableText& table,
                           const std::vector<TableColumn>& columns, const RecordVisitor& visit);

// The header of an atomic file: names and types ("item_id", "token") of its columns, in order.
struct AtomicColumn {
  std::string name, type;
  bool is_sequence() const { return type.ends_with("_seq"); }
};
absl::StatusOr<std::vector<AtomicColumn>> ReadAtomicHeader(const RawReader& reader, int file,
                                                           const TableText& table);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TABLE_TABLE_RECORDS_H_

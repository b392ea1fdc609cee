#include "datasets/table_records.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "datasets/json_lines.h"

namespace openp5::datasets {
namespace {

// Of CSV: a quote too many would take the rest of a file for one field.
constexpr size_t kLongestRecord = size_t{64} << 20;

// Splits a table's lines into records.
class RecordSplitter {
 public:
  explicit RecordSplitter(const std::string& format) : is_csv_(format == "csv") {}

  // True once `fields` holds a whole record; false if it goes on in the next line.
  absl::StatusOr<bool> Add(std::string_view line, const TextLines& lines) {
    if (!is_csv_) {
      SplitAt(line, "\t", &parts_);
      fields_.assign(parts_.begin(), parts_.end());
      return true;
    }
    if (!is_open_) {
      fields_.assign(1, "");
      opened_at_ = lines.number();
      bytes_ = 0;
    } else {
      fields_.back() += '\n';
    }
    bytes_ += line.size() + 1;
    if (bytes_ > kLongestRecord) {
      is_open_ = false;
      return InvalidArgument(lines.file(), ":", opened_at_, ": expected a closing quote within ",
                             kLongestRecord, " bytes, got none");
    }
    return AddCsv(line, lines);
  }
  const std::vector<std::string>& fields() const { return fields_; }
  bool is_open() const { return is_open_; }
  int64_t opened_at() const { return opened_at_; }

 private:
  // RFC 4180: a field may stand in quotes, and a quote in it is doubled.
  absl::StatusOr<bool> AddCsv(std::string_view line, const TextLines& lines) {
    size_t at = 0;
    while (true) {
      if (is_open_) {
        const size_t quote = line.find('"', at);
        fields_.back() += line.substr(at, quote - at);
        if (quote == std::string_view::npos) return false;
        at = quote + 1;
        if (at < line.size() && line[at] == '"') {
          fields_.back() += '"';
          ++at;
          continue;
        }
        is_open_ = false;
        if (at == line.size()) return true;
        if (line[at] != ',') {
          return InvalidArgument(lines.Where(), ": expected ',' after a closing quote, got '",
                                 Excerpt(line.substr(at)), "'");
        }
      } else {
        if (at < line.size() && line[at] == '"') {
          is_open_ = true;
          ++at;
          continue;
        }
        const size_t comma = line.find(',', at);
        const std::string_view field = line.substr(at, comma - at);
        if (field.find('"') != std::string_view::npos) {
          return InvalidArgument(lines.Where(),
                                 ": expected a quoted field to begin with its quote, "
                                 "got '",
                                 Excerpt(field), "'");
        }
        fields_.back() = field;
        if (comma == std::string_view::npos) return true;
        at = comma;
      }
      fields_.emplace_back();
      ++at;
    }
  }

  const bool is_csv_;
  bool is_open_ = false;
  int64_t opened_at_ = 0;
  size_t bytes_ = 0;  // of the record's lines
  std::vector<std::string_view> parts_;
  std::vector<std::string> fields_;
};

// "user_id:token" of an atomic file is the column user_id.
absl::StatusOr<std::vector<std::string>> ColumnNames(const std::string& format,
                                                     const std::vector<std::string>& header,
                                                     const TextLines& lines) {
  std::vector<std::string> names;
  for (const std::string& field : header) {
    const size_t colon = field.rfind(':');
    if (format == "inter" && colon == std::string::npos) {
      return InvalidArgument(lines.Where(), ": expected a header of `name:type`, got '",
                             Excerpt(field), "'");
    }
    names.push_back(format == "inter" ? field.substr(0, colon) : std::string(Trim(field)));
  }
  return names;
}

// Places of `columns` in the header; -1 for no column.
absl::StatusOr<std::vector<int>> PlacesOf(const std::vector<std::string>& columns,
                                          const std::vector<std::string>& names,
                                          const TextLines& lines) {
  std::vector<int> places;
  for (const std::string& column : columns) {
    const auto found = std::find(names.begin(), names.end(), column);
    if (!column.empty() && found == names.end()) {
      return FailedPrecondition(lines.Where(), ": expected a column '", column, "', got ",
                                Excerpt(absl::StrJoin(names, ", ")),
                                "; name the columns by --user-col, --item-col, --time-col, …");
    }
    places.push_back(column.empty() ? -1 : static_cast<int>(found - names.begin()));
  }
  return places;
}

absl::Status ForEachTextLine(RawReader* reader, int file, const TableText& table,
                             const LineVisitor& visit) {
  if (!table.is_latin1) return reader->ForEachLine(file, visit);
  return reader->ForEachLine(file, [&](std::string_view line, const TextLines& lines) {
    return visit(Utf8FromLatin1(line), lines);
  });
}

absl::Status ForEachTableRow(RawReader* reader, int file, const TableText& table,
                             const std::vector<std::string>& columns, const RecordVisitor& visit) {
  const std::string& format = table.format;
  RecordSplitter splitter(format);
  std::vector<int> places;
  std::vector<std::string> header;
  std::vector<std::string> wanted(columns.size());
  const auto add = [&](std::string_view line, const TextLines& lines) -> absl::Status {
    OPENP5_ASSIGN_OR_RETURN(const bool whole, splitter.Add(line, lines));
    if (!whole) return absl::OkStatus();
    const std::vector<std::string>& fields = splitter.fields();
    if (header.empty()) {
      OPENP5_ASSIGN_OR_RETURN(const auto names, ColumnNames(format, fields, lines));
      OPENP5_ASSIGN_OR_RETURN(places, PlacesOf(columns, names, lines));
      header = fields;
      return absl::OkStatus();
    }
    if (fields == header) return SecondHeader(lines, line);
    if (fields.size() != header.size()) {
      return WrongFieldCount(lines, StrCat(header.size(), " fields as in the header"),
                             fields.size(), line);
    }
    for (size_t i = 0; i < places.size(); ++i) {
      wanted[i] = places[i] < 0 ? "" : fields[static_cast<size_t>(places[i])];
    }
    return visit(wanted, lines);
  };
  OPENP5_RETURN_IF_ERROR(ForEachTextLine(reader, file, table, add));
  if (!splitter.is_open()) return absl::OkStatus();
  return InvalidArgument(format, ": ", reader->Where(file), ":", splitter.opened_at(),
                         ": expected a closing quote, got the end of the file");
}

absl::Status ForEachObject(RawReader* reader, int file, const TableText& table,
                           const std::vector<std::string>& columns, const RecordVisitor& visit) {
  ObjectFields fields(columns);
  std::vector<std::string> wanted(columns.size());
  return ForEachTextLine(reader, file, table,
                         [&](std::string_view line, const TextLines& lines) -> absl::Status {
                           OPENP5_RETURN_IF_ERROR(fields.Parse(line, lines));
                           for (size_t i = 0; i < columns.size(); ++i) {
                             wanted[i].clear();
                             if (columns[i].empty() || !fields.Has(i)) continue;
                             OPENP5_ASSIGN_OR_RETURN(wanted[i], fields.Scalar(i, lines));
                           }
                           return visit(wanted, lines);
                         });
}

}  // namespace

absl::Status ForEachRecord(RawReader* reader, int file, const TableText& table,
                           const std::vector<std::string>& columns, const RecordVisitor& visit) {
  if (table.format == "jsonl") return ForEachObject(reader, file, table, columns, visit);
  return ForEachTableRow(reader, file, table, columns, visit);
}

}  // namespace openp5::datasets

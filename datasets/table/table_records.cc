#include "datasets/table/table_records.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "datasets/loaders/json_lines.h"
#include "platform/base/numbers.h"

namespace openp5::datasets {
namespace {

// A record of CSV may not be longer: with a quote too many, the rest of a file is one field.
constexpr size_t kLongestRecord = size_t{64} << 20;

// What stands between two fields.
class Separator {
 public:
  explicit Separator(std::string text) : text_(std::move(text)) {}

  // Where the next one begins, and how long it is; the line's end, and 0, if there is none.
  struct Place {
    size_t at, size;
  };
  Place Find(std::string_view line, size_t from) const {
    if (!is_run()) {
      const size_t at = text_.size() == 1 ? line.find(text_[0], from) : line.find(text_, from);
      return at == std::string_view::npos ? Place{line.size(), 0} : Place{at, text_.size()};
    }
    const size_t at = std::min(line.find_first_of(" \t", from), line.size());
    return {at, std::min(line.find_first_not_of(" \t", at), line.size()) - at};
  }
  // True for any run of blanks and tabs, which has no meaning at the ends of a line.
  bool is_run() const { return text_ == " "; }
  const std::string& text() const { return text_; }

 private:
  const std::string text_;
};

// Splits a table's lines into records.
class RecordSplitter {
 public:
  explicit RecordSplitter(const TableText& table)
      : is_csv_(table.format == "csv"),
        separator_(!table.separator.empty() ? table.separator
                   : is_csv_                ? ","
                                            : "\t") {}

  // True once `fields` holds a whole record; false if it goes on in the next line.
  absl::StatusOr<bool> Add(std::string_view line, const TextLines& lines) {
    if (separator_.is_run() && !is_open_) line = Trim(line);
    if (!is_csv_) {
      Split(line);
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
  const std::string& separator() const { return separator_.text(); }
  bool is_open() const { return is_open_; }
  int64_t opened_at() const { return opened_at_; }

 private:
  void Split(std::string_view line) {
    size_t count = 0, at = 0;
    while (true) {
      const auto [end, size] = separator_.Find(line, at);
      if (fields_.size() == count) fields_.emplace_back();
      fields_[count++] = line.substr(at, end - at);
      if (size == 0) break;
      at = end + size;
    }
    fields_.resize(count);
  }

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
        const auto [end, size] = separator_.Find(line, at);
        if (size == 0 || end != at) {
          return InvalidArgument(lines.Where(), ": expected '", separator_.text(),
                                 "' after a closing quote, got '", Excerpt(line.substr(at)), "'");
        }
        at += size;
      } else {
        if (at < line.size() && line[at] == '"') {
          is_open_ = true;
          ++at;
          continue;
        }
        const auto [end, size] = separator_.Find(line, at);
        const std::string_view field = line.substr(at, end - at);
        if (field.find('"') != std::string_view::npos) {
          return InvalidArgument(lines.Where(),
                                 ": expected a quoted field to begin with its quote, "
                                 "got '",
                                 Excerpt(field), "'");
        }
        fields_.back() = field;
        if (size == 0) return true;
        at = end + size;
      }
      fields_.emplace_back();
    }
  }

  const bool is_csv_;
  const Separator separator_;
  bool is_open_ = false;
  int64_t opened_at_ = 0;
  size_t bytes_ = 0;  // of the record's lines
  std::vector<std::string> fields_;
};

// "user_id:token" of an atomic file is the column user_id.
absl::StatusOr<std::vector<AtomicColumn>> AtomicColumns(const std::vector<std::string>& header,
                                                        const TextLines& lines) {
  std::vector<AtomicColumn> columns;
  for (const std::string& field : header) {
    const size_t colon = field.rfind(':');
    if (colon == std::string::npos) {
      return InvalidArgument(lines.Where(), ": expected a header of `name:type`, got '",
                             Excerpt(field), "'");
    }
    columns.push_back({field.substr(0, colon), field.substr(colon + 1)});
  }
  return columns;
}

absl::StatusOr<std::vector<std::string>> ColumnNames(const TableText& table,
                                                     const std::vector<std::string>& header,
                                                     const TextLines& lines) {
  std::vector<std::string> names;
  if (!table.has_header) {
    for (size_t i = 0; i < header.size(); ++i) names.push_back(StrCat(i + 1));
  } else if (table.format == "inter") {
    OPENP5_ASSIGN_OR_RETURN(const auto columns, AtomicColumns(header, lines));
    for (const AtomicColumn& column : columns) names.push_back(column.name);
  } else {
    for (const std::string& field : header) names.emplace_back(Trim(field));
  }
  return names;
}

bool IsNumber(std::string_view text) { return ParseNumber<double>(text).has_value(); }

// What may help who asks for a column that is not among the `names` of the first line.
std::string HintOfColumns(const TableText& table, const std::vector<std::string>& names) {
  if (!table.has_header) {
    return StrCat("with --no-header the columns are called 1 to ", names.size());
  }
  if (names.size() == 1 && table.separator.empty()) {
    for (const std::string mark : {"::", ";", "|", "\t", ",", " "}) {
      if (names[0].find(mark) == std::string::npos) continue;
      const std::string shown = mark == "\t" ? "tab" : mark;
      return StrCat("the file may have another separator: --separator '", shown, "'");
    }
  }
  const std::string hint = "name the columns by --user-col, --item-col, --time-col, …";
  if (std::none_of(names.begin(), names.end(), IsNumber)) return hint;
  return StrCat(hint, "; a file without a header is read with --no-header and columns by number: ",
                "--user-col 1 --item-col 2 …");
}

// Where `columns` are among the fields; -1 for no column.
absl::StatusOr<std::vector<int>> PlacesOf(const std::vector<TableColumn>& columns,
                                          const TableText& table,
                                          const std::vector<std::string>& names,
                                          const std::vector<std::string>& first,
                                          const TextLines& lines) {
  std::vector<int> places;
  for (const TableColumn& column : columns) {
    const auto found = std::find(names.begin(), names.end(), column.name);
    if (!column.name.empty() && found == names.end()) {
      return FailedPrecondition(lines.Where(), ": expected a column '", column.name, "', got ",
                                Excerpt(absl::StrJoin(table.has_header ? names : first, ", ")),
                                "; ", HintOfColumns(table, names));
    }
    if (!column.name.empty() && std::find(found + 1, names.end(), column.name) != names.end()) {
      return FailedPrecondition(lines.Where(), ": expected one column '", column.name,
                                "', got more than one in ", Excerpt(absl::StrJoin(names, ", ")));
    }
    places.push_back(column.name.empty() ? -1 : static_cast<int>(found - names.begin()));
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

// Records of a table's lines, and where the columns asked for are in them.
class TableRows {
 public:
  TableRows(const TableText& table, const std::vector<TableColumn>& columns,
            const RecordVisitor& visit)
      : table_(table),
        columns_(columns),
        visit_(visit),
        splitter_(table),
        wanted_(columns.size()) {}

  absl::Status AddLine(std::string_view line, const TextLines& lines) {
    // A table has two columns, so that a line without any is no record. An atomic file's header is
    // the first line, where ReadAtomicHeader looks for it.
    const bool may_skip = !splitter_.is_open() && (width_ > 0 || table_.format != "inter");
    if (may_skip && line.find_first_not_of(' ') == std::string_view::npos) return absl::OkStatus();
    OPENP5_ASSIGN_OR_RETURN(const bool whole, splitter_.Add(line, lines));
    if (!whole) return absl::OkStatus();
    const std::vector<std::string>& fields = splitter_.fields();
    if (width_ == 0) {
      OPENP5_ASSIGN_OR_RETURN(const auto names, ColumnNames(table_, fields, lines));
      OPENP5_ASSIGN_OR_RETURN(places_, PlacesOf(columns_, table_, names, fields, lines));
      width_ = fields.size();
      if (table_.has_header) {
        header_ = fields;
        return absl::OkStatus();
      }
    }
    if (table_.has_header && fields == header_) return SecondHeader(lines, line);
    if (fields.size() != width_) {
      return WrongFieldCount(
          lines, StrCat(width_, " fields as in the ", table_.has_header ? "header" : "first line"),
          fields.size(), line);
    }
    for (size_t i = 0; i < places_.size(); ++i) {
      if (places_[i] >= 0) wanted_[i] = fields[static_cast<size_t>(places_[i])];
    }
    return visit_(wanted_, lines);
  }
  const RecordSplitter& splitter() const { return splitter_; }

 private:
  const TableText& table_;
  const std::vector<TableColumn>& columns_;
  const RecordVisitor& visit_;
  RecordSplitter splitter_;
  size_t width_ = 0;  // fields of a record; 0 before the first line
  std::vector<int> places_;
  std::vector<std::string> header_, wanted_;
};

absl::Status ForEachTableRow(RawReader* reader, int file, const TableText& table,
                             const std::vector<TableColumn>& columns, const RecordVisitor& visit) {
  TableRows rows(table, columns, visit);
  OPENP5_RETURN_IF_ERROR(ForEachTextLine(
      reader, file, table,
      [&](std::string_view line, const TextLines& lines) { return rows.AddLine(line, lines); }));
  if (!rows.splitter().is_open()) return absl::OkStatus();
  return InvalidArgument(table.format, ": ", reader->Where(file), ":", rows.splitter().opened_at(),
                         ": expected a closing quote, got the end of the file");
}

absl::Status ForEachObject(RawReader* reader, int file, const TableText& table,
                           const std::vector<TableColumn>& columns, const RecordVisitor& visit) {
  std::vector<std::string> names;
  for (const TableColumn& column : columns) names.push_back(column.name);
  ObjectFields fields(names);
  std::vector<std::string> wanted(columns.size());
  return ForEachTextLine(reader, file, table,
                         [&](std::string_view line, const TextLines& lines) -> absl::Status {
                           if (Trim(line).empty()) return absl::OkStatus();
                           OPENP5_RETURN_IF_ERROR(fields.Parse(line, lines));
                           for (size_t i = 0; i < columns.size(); ++i) {
                             wanted[i].clear();
                             if (names[i].empty()) continue;
                             if (fields.Has(i)) {
                               OPENP5_ASSIGN_OR_RETURN(wanted[i], fields.Scalar(i, lines));
                             } else if (columns[i].is_needed) {
                               return fields.Missing(i, lines);
                             }
                           }
                           return visit(wanted, lines);
                         });
}

}  // namespace

absl::Status ForEachRecord(RawReader* reader, int file, const TableText& table,
                           const std::vector<TableColumn>& columns, const RecordVisitor& visit) {
  if (table.format == "jsonl") return ForEachObject(reader, file, table, columns, visit);
  return ForEachTableRow(reader, file, table, columns, visit);
}

absl::StatusOr<std::vector<AtomicColumn>> ReadAtomicHeader(const RawReader& reader, int file,
                                                           const TableText& table) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, reader.FirstLine(file));
  TextLines lines(text, reader.Where(file));
  std::string_view line;
  OPENP5_ASSIGN_OR_RETURN(const bool has_line, lines.Next(&line));
  if (!has_line) return std::vector<AtomicColumn>();
  RecordSplitter splitter(table);
  OPENP5_RETURN_IF_ERROR(splitter.Add(line, lines).status());
  auto columns = AtomicColumns(splitter.fields(), lines);
  if (!columns.ok()) return Annotate(columns.status(), table.format);
  return columns;
}

}  // namespace openp5::datasets

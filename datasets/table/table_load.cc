#include "datasets/table/table_load.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "datasets/loaders/raw_reader.h"
#include "datasets/table/row_times.h"
#include "platform/base/file.h"
#include "platform/base/numbers.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

// How pandas, SQL and spreadsheets write a value that is missing.
bool StandsForNothing(std::string_view id) {
  constexpr std::string_view kSpellings[] = {
      "na",  "nan",  "-nan", "nat",    "null",   "none",    "n/a",     "<na>",
      "#na", "#n/a", "\\n",  "(null)", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"};
  if (id.size() > 8 || std::string_view("nN-<#\\(1").find(id.front()) == std::string_view::npos) {
    return false;
  }
  const std::string lower = absl::AsciiStrToLower(ToAbsl(id));
  return std::find(std::begin(kSpellings), std::end(kSpellings), lower) != std::end(kSpellings);
}

// True if a blank beyond ASCII is in it: no-break, ideographic, of zero width, ….
bool HasUnicodeBlank(std::string_view id) {
  constexpr std::string_view kBlanks[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",
                                          "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
                                          "\xe2\x81\x9f", "\xe3\x80\x80", "\xef\xbb\xbf"};
  const auto is_ascii = [](char byte) { return (byte & 0x80) == 0; };
  if (std::all_of(id.begin(), id.end(), is_ascii)) return false;
  for (char last = '\x80'; last <= '\x8b'; ++last) {
    if (id.find(std::string("\xe2\x80") + last) != std::string_view::npos) return true;
  }
  return std::any_of(std::begin(kBlanks), std::end(kBlanks), [&](std::string_view blank) {
    return id.find(blank) != std::string_view::npos;
  });
}

// What is wrong with an id of a user's own file, without the place, or OK.
absl::Status CheckOwnId(const std::string& id, std::string_view what, const TableRule& rule,
                        const TextLines& lines) {
  const absl::Status status = CheckId(id, what, lines);
  if (!status.ok()) {
    if (FindInvalidUtf8(id) == std::string_view::npos) return status;
    return InvalidArgument(ToStd(status.message()), "; hint: --encoding latin1 reads ISO 8859-1");
  }
  if (HasUnicodeBlank(id)) {
    return InvalidArgument("expected ", what, " without blanks and control characters, got '",
                           Excerpt(id), "'");
  }
  if (!rule.options.literal_ids && StandsForNothing(id)) {
    return InvalidArgument("expected ", what, ", got '", Excerpt(id),
                           "', which stands for a missing value; hint: --literal-ids takes it");
  }
  const bool has_quotes = rule.text.format == "tsv" || rule.text.format == "inter";
  if (has_quotes && id.size() > 1 && id.front() == '"' && id.back() == '"') {
    return InvalidArgument("expected ", what, " without quotes, got '", Excerpt(id),
                           "'; hint: csv with --separator tab takes them off");
  }
  return absl::OkStatus();
}

absl::StatusOr<double> ParseRating(std::string_view text) {
  const auto value = ParseNumber<double>(Trim(text));
  if (!value.has_value() || !std::isfinite(*value)) {
    return InvalidArgument("expected a rating, got '", Excerpt(text), "'");
  }
  return *value;
}

// The columns of an atomic file that hold what a user had before a row (RecBole's augmented
// sequences); empty names where there are none.
struct HistoryColumns {
  std::string items, times;
};

// Adds the rows of one file.
class RowAdder {
 public:
  RowAdder(const TableRule& rule, HistoryColumns history)
      : rule_(rule),
        history_(std::move(history)),
        times_(rule.options.time_unit, rule.options.time_format, rule.options.allow_negative_time) {
  }

  std::vector<TableColumn> Columns() const {
    const TableOptions& options = rule_.options;
    return {{options.user_col},  {options.item_col}, {options.time_col}, {options.rating_col},
            {options.event_col}, {history_.items},   {history_.times}};
  }

  // Adds a row if it is an interaction.
  absl::Status Add(const std::vector<std::string>& fields, const TextLines& lines) {
    const TableOptions& options = rule_.options;
    OPENP5_RETURN_IF_ERROR(CheckIdIn(options.user_col, fields[kUser], "a user id", lines));
    OPENP5_RETURN_IF_ERROR(CheckIdIn(options.item_col, fields[kItem], "an item id", lines));
    OPENP5_ASSIGN_OR_RETURN(const Moment time, TimeIn(options.time_col, fields[kTime], lines));
    ++read_;
    if (!options.event_col.empty() &&
        std::find(options.event_values.begin(), options.event_values.end(), fields[kEvent]) ==
            options.event_values.end()) {
      return absl::OkStatus();
    }
    ++events_;
    if (!options.rating_col.empty()) {
      const absl::StatusOr<double> rating = ParseRating(fields[kRating]);
      if (!rating.ok()) return InColumn(options.rating_col, rating.status(), lines);
      if (*rating < options.min_rating) return absl::OkStatus();
    }
    ++ratings_;
    if ((rule_.since && time.seconds < *rule_.since) ||
        (rule_.until && time.seconds >= *rule_.until)) {
      return absl::OkStatus();
    }
    ++dates_;
    if (!history_.items.empty()) return AddAfterHistory(fields, time, lines);
    return AddInteraction(fields[kUser], fields[kItem], time, options.time_col, lines);
  }

  // After the last row. Returns the times' units per second.
  absl::StatusOr<int64_t> Finish() {
    if (rule_.options.time_col.empty()) return 0;
    return times_.Refine(&rows_);
  }
  Interactions& rows() { return rows_; }

  std::string StepsText() const {
    const TableOptions& options = rule_.options;
    std::string text = StrCat(read_, " rows");
    if (!options.event_col.empty()) text += StrCat(", ", events_, " of the events asked for");
    if (!options.rating_col.empty()) text += StrCat(", ", ratings_, " rated high enough");
    if (rule_.since || rule_.until) text += StrCat(", ", dates_, " within the dates");
    if (!history_.items.empty()) {
      text += StrCat(", ", begun_with_, " more items at the beginning of '", history_.items, "'");
    }
    return text;
  }

 private:
  enum Field { kUser, kItem, kTime, kRating, kEvent, kHistory, kHistoryTimes };

  // What a user had so far, in a file whose rows repeat it.
  struct Past {
    std::vector<std::string> items;
    Moment last;
  };

  absl::Status InColumn(const std::string& column, const absl::Status& status,
                        const TextLines& lines) const {
    const std::string where = lines.Where() + ": ";
    std::string_view message = ToStd(status.message());
    if (message.starts_with(where)) message.remove_prefix(where.size());
    const bool is_number = !rule_.text.has_header;
    return InvalidArgument(where, rule_.text.format == "jsonl" ? "key " : "column ",
                           is_number ? "" : "'", column, is_number ? "" : "'", ": ", message);
  }

  absl::Status CheckIdIn(const std::string& column, const std::string& id, std::string_view what,
                         const TextLines& lines) const {
    const absl::Status status = CheckOwnId(id, what, rule_, lines);
    return status.ok() ? status : InColumn(column, status, lines);
  }

  absl::StatusOr<Moment> TimeIn(const std::string& column, std::string_view text,
                                const TextLines& lines) {
    if (column.empty()) return Moment();
    absl::StatusOr<Moment> time = times_.Parse(text);
    if (!time.ok()) return InColumn(column, time.status(), lines);
    return time;
  }

  absl::Status AddInteraction(const std::string& user, const std::string& item, const Moment& time,
                              const std::string& column, const TextLines& lines) {
    const absl::StatusOr<int64_t> steps = times_.Steps(time);
    if (!steps.ok()) return InColumn(column, steps.status(), lines);
    times_.NoteRest(time, rows_);
    rows_.Add(user, item, *steps);
    return absl::OkStatus();
  }

  // The items in a field of RecBole's type token_seq.
  absl::StatusOr<std::vector<std::string>> HistoryItems(const std::string& field,
                                                        const TextLines& lines) const {
    std::vector<std::string> items = absl::StrSplit(ToAbsl(field), ' ', absl::SkipEmpty());
    for (const std::string& item : items) {
      OPENP5_RETURN_IF_ERROR(CheckIdIn(history_.items, item, "an item id", lines));
    }
    return items;
  }

  // The times of `count` items before a row at `time`, which are its own where the file has none.
  absl::StatusOr<std::vector<Moment>> HistoryTimes(const std::string& field, size_t count,
                                                   const Moment& time, const TextLines& lines) {
    std::vector<Moment> times(history_.times.empty() ? count : 0, time);
    if (history_.times.empty()) return times;
    for (const absl::string_view one : absl::StrSplit(ToAbsl(field), ' ', absl::SkipEmpty())) {
      OPENP5_ASSIGN_OR_RETURN(times.emplace_back(), TimeIn(history_.times, ToStd(one), lines));
    }
    if (times.size() == count) return times;
    return InColumn(history_.times,
                    InvalidArgument("expected ", count, " times, one an item of '", history_.items,
                                    "', got ", times.size()),
                    lines);
  }

  // A row of an atomic file with histories adds its item; a user's first row also adds what it has
  // as the user's history, which no row has as its item. Every other history must end what the rows
  // before made, or rows are missing or in another order.
  absl::Status AddAfterHistory(const std::vector<std::string>& fields, const Moment& time,
                               const TextLines& lines) {
    OPENP5_ASSIGN_OR_RETURN(const auto items, HistoryItems(fields[kHistory], lines));
    const std::string& user = fields[kUser];
    const auto [place, is_first] = past_.try_emplace(user);
    Past& past = place->second;
    if (is_first) {
      const auto times = HistoryTimes(fields[kHistoryTimes], items.size(), time, lines);
      if (!times.ok()) {
        past_.erase(place);
        return times.status();
      }
      for (size_t i = 0; i < items.size(); ++i) {
        OPENP5_RETURN_IF_ERROR(AddInteraction(user, items[i], (*times)[i], history_.times, lines));
      }
      begun_with_ += static_cast<int64_t>(items.size());
      past.items = items;
    } else {
      OPENP5_RETURN_IF_ERROR(CheckFollows(past, items, time, lines));
    }
    past.items.push_back(fields[kItem]);
    past.last = time;
    return AddInteraction(user, fields[kItem], time, rule_.options.time_col, lines);
  }

  absl::Status CheckFollows(const Past& past, const std::vector<std::string>& items,
                            const Moment& time, const TextLines& lines) const {
    const bool is_end = !items.empty() && items.size() <= past.items.size() &&
                        std::equal(items.rbegin(), items.rend(), past.items.rbegin());
    if (!is_end) {
      return InColumn(history_.items,
                      InvalidArgument("expected the items that the user's rows before have, '",
                                      Excerpt(absl::StrJoin(past.items, " ")), "', got '",
                                      Excerpt(absl::StrJoin(items, " ")),
                                      "'; hint: all rows of a user are needed, the oldest first"),
                      lines);
    }
    if (std::pair(time.seconds, time.nanoseconds) >=
        std::pair(past.last.seconds, past.last.nanoseconds)) {
      return absl::OkStatus();
    }
    return InColumn(rule_.options.time_col,
                    InvalidArgument("expected a time not before the user's row before, got ",
                                    time.seconds, " after ", past.last.seconds),
                    lines);
  }

  const TableRule& rule_;
  const HistoryColumns history_;
  RowTimes times_;
  Interactions rows_;
  absl::flat_hash_map<std::string, Past> past_;  // by user
  int64_t read_ = 0, events_ = 0, ratings_ = 0, dates_ = 0, begun_with_ = 0;
};

// Keeps one row of every pair of a user and an item.
void Deduplicate(const std::string& which, Interactions* rows) {
  if (which == "none") return;
  absl::flat_hash_map<std::pair<int32_t, int32_t>, size_t> kept;
  for (size_t row = 0; row < rows->size(); ++row) {
    const auto [place, added] = kept.try_emplace({rows->user[row], rows->item[row]}, row);
    if (added || which == "first-row") continue;
    const int64_t best = rows->time[place->second], time = rows->time[row];
    if (which == "first" ? time < best : time >= best) place->second = row;
  }
  size_t next = 0;
  for (size_t row = 0; row < rows->size(); ++row) {
    if (kept.at({rows->user[row], rows->item[row]}) != row) continue;
    rows->user[next] = rows->user[row];
    rows->item[next] = rows->item[row];
    rows->time[next++] = rows->time[row];
  }
  rows->user.resize(next);
  rows->item.resize(next);
  rows->time.resize(next);
}

// The histories that an atomic file repeats in every row. FailedPrecondition for an id that is a
// sequence itself, and for options that would leave out rows which histories count.
absl::StatusOr<HistoryColumns> FindHistories(const TableRule& rule, const RawReader& reader,
                                             int file) {
  HistoryColumns history;
  if (rule.text.format != "inter") return history;
  const TableOptions& options = rule.options;
  OPENP5_ASSIGN_OR_RETURN(const auto columns, ReadAtomicHeader(reader, file, rule.text));
  for (const AtomicColumn& column : columns) {
    if (!column.is_sequence()) continue;
    const std::string where =
        StrCat("inter: ", reader.Where(file), ":1: column '", column.name, "': ");
    if (column.name == options.user_col || column.name == options.item_col ||
        column.name == options.time_col) {
      return FailedPrecondition(where, "expected one value a row, got the type ", column.type);
    }
    if (column.name == options.item_col + "_list") history.items = column.name;
    if (!options.time_col.empty() && column.name == options.time_col + "_list") {
      history.times = column.name;
    }
    if (column.name == options.item_col + "_list" &&
        (!options.rating_col.empty() || !options.event_col.empty() || rule.since || rule.until)) {
      return FailedPrecondition(
          where, "expected no --rating-col, --event-col, --since and ",
          "--until with histories, which count the rows that these leave out");
    }
  }
  if (history.items.empty()) history.times.clear();
  return history;
}

// An atomic file's types by column; empty for other formats.
absl::StatusOr<bool> IsSequence(const TableRule& rule, const RawReader& reader, int file,
                                const std::string& name) {
  if (rule.text.format != "inter" || name.empty()) return false;
  OPENP5_ASSIGN_OR_RETURN(const auto columns, ReadAtomicHeader(reader, file, rule.text));
  return std::any_of(columns.begin(), columns.end(), [&](const AtomicColumn& column) {
    return column.name == name && column.is_sequence();
  });
}

absl::Status ReadItems(const TableRule& rule, const LoadOptions& load, RawDataset* result) {
  const TableOptions& options = rule.options;
  OPENP5_ASSIGN_OR_RETURN(RawReader reader,
                          RawReader::Open(rule.text.format, {.raw = options.items,
                                                             .max_bad_lines = load.max_bad_lines}));
  OPENP5_ASSIGN_OR_RETURN(const int file, reader.Get(BaseName(options.items)));
  OPENP5_ASSIGN_OR_RETURN(const bool has_many_categories,
                          IsSequence(rule, reader, file, options.category_col));
  ItemCollector collector;
  const auto add = [&](const std::vector<std::string>& fields,
                       const TextLines& lines) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(CheckId(fields[0], "an item id", lines));
    if (!result->interactions.items.Find(fields[0])) return absl::OkStatus();
    ItemMetadata item{
        .item = fields[0], .title = WellFormedUtf8(fields[1]), .more = {}, .categories = {}};
    const std::string categories = WellFormedUtf8(fields[2]);
    if (has_many_categories) {
      item.categories = absl::StrSplit(categories, ' ', absl::SkipEmpty());
    } else if (!categories.empty()) {
      item.categories.push_back(categories);
    }
    collector.Add(std::move(item), absl::StrJoin(fields, "\t"), lines);
    return absl::OkStatus();
  };
  const std::string& id_col =
      options.items_item_col.empty() ? options.item_col : options.items_item_col;
  OPENP5_RETURN_IF_ERROR(ForEachRecord(&reader, file, rule.text,
                                       {{id_col},
                                        {options.title_col, /*is_needed=*/false},
                                        {options.category_col, /*is_needed=*/false}},
                                       add));
  result->items = collector.Take();
  OPENP5_ASSIGN_OR_RETURN(const auto sources, reader.Sources());
  result->files.insert(result->files.end(), sources.begin(), sources.end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RawDataset> LoadTable(const TableRule& rule, const LoadOptions& load) {
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open(rule.text.format, load));
  OPENP5_ASSIGN_OR_RETURN(const int file, reader.Get(BaseName(load.raw)));
  OPENP5_ASSIGN_OR_RETURN(HistoryColumns history, FindHistories(rule, reader, file));
  RowAdder adder(rule, std::move(history));
  OPENP5_RETURN_IF_ERROR(
      ForEachRecord(&reader, file, rule.text, adder.Columns(),
                    [&](const std::vector<std::string>& fields, const TextLines& lines) {
                      return adder.Add(fields, lines);
                    }));
  RawDataset result;
  const absl::StatusOr<int64_t> units = adder.Finish();
  if (!units.ok()) return Annotate(units.status(), StrCat(rule.text.format, ": ", load.raw));
  result.time_units_per_second = *units;
  result.interactions = std::move(adder.rows());
  Deduplicate(rule.options.dedupe, &result.interactions);
  result.steps = adder.StepsText();
  if (rule.options.dedupe != "none") {
    result.steps += StrCat(", ", result.interactions.size(), " after --dedupe");
  }
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  if (!rule.options.items.empty()) OPENP5_RETURN_IF_ERROR(ReadItems(rule, load, &result));
  return result;
}

}  // namespace openp5::datasets

#include "datasets/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_join.h"
#include "datasets/date_time.h"
#include "datasets/raw_reader.h"
#include "datasets/table_records.h"
#include "platform/base/file.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

// What is counted while a table is read.
struct RowCounts {
  int64_t read = 0, events = 0, ratings = 0, dates = 0;
};

// Options in the form the rows need.
struct Rule {
  std::string format;
  TableOptions options;
  std::optional<int64_t> since, until;  // in time units
  int64_t units_per_second = 1;         // of the times that are kept

  TableText Text() const { return {.format = format, .is_latin1 = options.encoding == "latin1"}; }
};

// As CheckId, and says what may help.
absl::Status CheckOwnId(const std::string& id, std::string_view what, const TextLines& lines) {
  const absl::Status status = CheckId(id, what, lines);
  if (status.ok() || FindInvalidUtf8(id) == std::string_view::npos) return status;
  return InvalidArgument(ToStd(status.message()), "; hint: --encoding latin1 reads ISO 8859-1");
}

absl::StatusOr<double> ParseReal(std::string_view text, std::string_view what,
                                 const TextLines& lines) {
  const std::string_view digits = Trim(text);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
    return InvalidArgument(lines.Where(), ": expected ", what, ", got '", Excerpt(text), "'");
  }
  return value;
}

// Seconds, whole or with a fraction, as microseconds.
absl::StatusOr<int64_t> ParseSeconds(std::string_view text, const TextLines& lines) {
  constexpr int64_t kMicroseconds = 1'000'000, kMost = INT64_MAX / kMicroseconds;
  const IntegerField whole = {"a timestamp in seconds of 64 bits as microseconds", -kMost, kMost};
  if (text.find_first_of(".eE") == std::string_view::npos) {
    OPENP5_ASSIGN_OR_RETURN(const int64_t seconds, ParseInteger(text, whole, lines));
    return seconds * kMicroseconds;
  }
  OPENP5_ASSIGN_OR_RETURN(const double seconds, ParseReal(text, whole.what, lines));
  if (std::abs(seconds) > static_cast<double>(kMost)) {
    return InvalidArgument(lines.Where(), ": expected ", whole.what, ", got '", Excerpt(text), "'");
  }
  return std::llround(seconds * kMicroseconds);
}

absl::StatusOr<int64_t> ParseTime(const std::string& text, const Rule& rule,
                                  const TextLines& lines) {
  const TableOptions& options = rule.options;
  if (options.time_col.empty()) return 0;
  int64_t time = 0;
  if (options.time_unit == "iso") {
    OPENP5_ASSIGN_OR_RETURN(time, ParseDateTime(text, lines));
    return time;
  }
  if (options.time_unit == "s") {
    OPENP5_ASSIGN_OR_RETURN(time, ParseSeconds(text, lines));
  } else {
    const IntegerField field = {options.time_unit == "ms" ? "a timestamp in whole milliseconds"
                                                          : "a timestamp in whole microseconds"};
    OPENP5_ASSIGN_OR_RETURN(time, ParseInteger(text, field, lines));
  }
  if (time < 0 && !options.allow_negative_time) {
    return InvalidArgument(lines.Where(), ": expected a timestamp that is not negative, got '",
                           Excerpt(text), "'; --allow-negative-time takes it");
  }
  return time;
}

// Adds a row if it is an interaction.
absl::Status AddRow(const std::vector<std::string>& fields, const Rule& rule,
                    const TextLines& lines, RowCounts* counts, Interactions* rows) {
  enum { kUser, kItem, kTime, kRating, kEvent };
  const TableOptions& options = rule.options;
  OPENP5_RETURN_IF_ERROR(CheckOwnId(fields[kUser], "a user id", lines));
  OPENP5_RETURN_IF_ERROR(CheckOwnId(fields[kItem], "an item id", lines));
  OPENP5_ASSIGN_OR_RETURN(const int64_t time, ParseTime(fields[kTime], rule, lines));
  ++counts->read;
  if (!options.event_col.empty() &&
      std::find(options.event_values.begin(), options.event_values.end(), fields[kEvent]) ==
          options.event_values.end()) {
    return absl::OkStatus();
  }
  ++counts->events;
  if (!options.rating_col.empty()) {
    OPENP5_ASSIGN_OR_RETURN(const double rating, ParseReal(fields[kRating], "a rating", lines));
    if (rating < options.min_rating) return absl::OkStatus();
  }
  ++counts->ratings;
  if ((rule.since && time < *rule.since) || (rule.until && time >= *rule.until)) {
    return absl::OkStatus();
  }
  ++counts->dates;
  rows->Add(fields[kUser], fields[kItem], time);
  return absl::OkStatus();
}

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

std::string StepsText(const Rule& rule, const RowCounts& counts, size_t distinct) {
  std::string text = StrCat(counts.read, " rows");
  if (!rule.options.event_col.empty())
    text += StrCat(", ", counts.events, " of the events asked for");
  if (!rule.options.rating_col.empty()) text += StrCat(", ", counts.ratings, " rated high enough");
  if (rule.since || rule.until) text += StrCat(", ", counts.dates, " within the dates");
  if (rule.options.dedupe != "none") text += StrCat(", ", distinct, " after --dedupe");
  return text;
}

absl::Status ReadItems(const Rule& rule, const LoadOptions& load, RawDataset* result) {
  const TableOptions& options = rule.options;
  OPENP5_ASSIGN_OR_RETURN(
      RawReader reader,
      RawReader::Open(rule.format, {.raw = options.items, .max_bad_lines = load.max_bad_lines}));
  OPENP5_ASSIGN_OR_RETURN(const int file, reader.Get(BaseName(options.items)));
  ItemCollector collector;
  const auto add = [&](const std::vector<std::string>& fields,
                       const TextLines& lines) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(CheckId(fields[0], "an item id", lines));
    if (!result->interactions.items.Find(fields[0])) return absl::OkStatus();
    ItemMetadata item{
        .item = fields[0], .title = WellFormedUtf8(fields[1]), .more = {}, .categories = {}};
    if (!fields[2].empty()) item.categories.push_back(WellFormedUtf8(fields[2]));
    collector.Add(std::move(item), absl::StrJoin(fields, "\t"), lines);
    return absl::OkStatus();
  };
  OPENP5_RETURN_IF_ERROR(ForEachRecord(&reader, file, rule.Text(),
                                       {options.item_col, options.title_col, options.category_col},
                                       add));
  result->items = collector.Take();
  OPENP5_ASSIGN_OR_RETURN(const auto sources, reader.Sources());
  result->files.insert(result->files.end(), sources.begin(), sources.end());
  return absl::OkStatus();
}

absl::StatusOr<RawDataset> Load(const Rule& rule, const LoadOptions& load) {
  const TableOptions& options = rule.options;
  OPENP5_ASSIGN_OR_RETURN(RawReader reader, RawReader::Open(rule.format, load));
  OPENP5_ASSIGN_OR_RETURN(const int file, reader.Get(BaseName(load.raw)));
  RawDataset result;
  RowCounts counts;
  OPENP5_RETURN_IF_ERROR(ForEachRecord(
      &reader, file, rule.Text(),
      {options.user_col, options.item_col, options.time_col, options.rating_col, options.event_col},
      [&](const std::vector<std::string>& fields, const TextLines& lines) {
        return AddRow(fields, rule, lines, &counts, &result.interactions);
      }));
  Deduplicate(options.dedupe, &result.interactions);
  result.steps = StepsText(rule, counts, result.interactions.size());
  OPENP5_ASSIGN_OR_RETURN(result.files, reader.Sources());
  if (!options.items.empty()) OPENP5_RETURN_IF_ERROR(ReadItems(rule, load, &result));
  return result;
}

// A date option in time units.
absl::StatusOr<std::optional<int64_t>> ParseDateOption(std::string_view name,
                                                       const std::string& text,
                                                       int64_t units_per_second) {
  if (text.empty()) return std::nullopt;
  const absl::StatusOr<int64_t> seconds = ParseDateTime(text, TextLines("", ""));
  if (!seconds.ok()) {
    return UsageError(StrCat(name,
                             ": expected a date `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS` in UTC, "
                             "got '",
                             text, "'"));
  }
  return *seconds * units_per_second;
}

std::string RuleText(const TableOptions& options) {
  const auto quoted = [](const std::string& text) { return "'" + text + "'"; };
  std::string text = "every row is an interaction";
  if (!options.event_col.empty()) {
    text += StrCat(" if its ", quoted(options.event_col), " is ",
                   absl::StrJoin(options.event_values, " or "));
  }
  if (!options.rating_col.empty()) {
    text += StrCat("; ", quoted(options.rating_col), " at least ", options.min_rating);
  }
  if (!options.since.empty()) text += "; from " + options.since;
  if (!options.until.empty()) text += "; before " + options.until;
  if (options.dedupe != "none") text += "; of a pair's rows the " + options.dedupe;
  return StrCat(text, "; users with at least ", std::max(options.k_core_user, options.min_length),
                " and items with at least ", options.k_core_item, ", repeated until nothing falls");
}

}  // namespace

void TableOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "user-col", .help = "own file: column of user ids"}, &user_col);
  visitor.Visit({.name = "item-col", .help = "own file: column of item ids"}, &item_col);
  visitor.Visit(
      {.name = "time-col", .help = "own file: column of times; '': the rows are in order"},
      &time_col);
  visitor.Visit({.name = "time-unit",
                 .help = "own file: seconds (fractions allowed), milliseconds, microseconds, or "
                         "dates in UTC",
                 .choices = {"s", "ms", "us", "iso"}},
                &time_unit);
  visitor.Visit({.name = "allow-negative-time", .help = "own file: take times before 1970"},
                &allow_negative_time);
  visitor.Visit({.name = "encoding",
                 .help = "own file: of its text, and of --items",
                 .choices = {"utf-8", "latin1"}},
                &encoding);
  visitor.Visit({.name = "rating-col", .help = "own file: column for --min-rating"}, &rating_col);
  visitor.Visit({.name = "min-rating", .help = "own file: least rating of an interaction"},
                &min_rating);
  visitor.Visit({.name = "event-col", .help = "own file: column for --event-values"}, &event_col);
  visitor.Visit({.name = "event-values", .help = "own file: events that are interactions"},
                &event_values);
  visitor.Visit({.name = "since", .help = "own file: first date, in UTC"}, &since);
  visitor.Visit({.name = "until", .help = "own file: date before which rows count, in UTC"},
                &until);
  visitor.Visit({.name = "dedupe",
                 .help = "own file: which row of a user and an item counts; first and last by time",
                 .choices = {"none", "first", "last", "first-row"}},
                &dedupe);
  visitor.Visit({.name = "k-core-user", .help = "own file: least rows of a user", .minimum = 0},
                &k_core_user);
  visitor.Visit({.name = "k-core-item", .help = "own file: least rows of an item", .minimum = 0},
                &k_core_item);
  visitor.Visit({.name = "min-length",
                 .help = "own file: least items of a user; leave-one-out needs 3",
                 .minimum = 3},
                &min_length);
  visitor.Visit({.name = "order",
                 .help = "own file: users by their first event, or as in the file",
                 .choices = {"global", "per-user"}},
                &order);
  visitor.Visit({.name = "items", .help = "own file: item descriptions in the same format"},
                &items);
  visitor.Visit({.name = "title-col", .help = "own file: column of titles in --items"}, &title_col);
  visitor.Visit({.name = "category-col", .help = "own file: column of a category in --items"},
                &category_col);
}

const std::vector<std::string>& TableFormats() {
  static const auto* const formats = new std::vector<std::string>{"csv", "inter", "jsonl", "tsv"};
  return *formats;
}

absl::StatusOr<DatasetPreset> TablePreset(const std::string& format, const TableOptions& options) {
  if (options.user_col.empty() || options.item_col.empty()) {
    return UsageError("user-col, item-col: expected names of columns, got nothing");
  }
  if (options.event_col.empty() != options.event_values.empty()) {
    return UsageError("event-col, event-values: expected both or neither");
  }
  if (options.rating_col.empty() && options.min_rating != 0) {
    return UsageError("min-rating: expected a rating-col too");
  }
  if (options.time_col.empty() && !(options.since.empty() && options.until.empty())) {
    return UsageError("since, until: expected a time-col too");
  }
  Rule rule;
  rule.format = format;
  rule.options = options;
  if (options.time_unit == "s" || options.time_unit == "us") rule.units_per_second = 1'000'000;
  if (options.time_unit == "ms") rule.units_per_second = 1000;
  OPENP5_ASSIGN_OR_RETURN(rule.since,
                          ParseDateOption("since", options.since, rule.units_per_second));
  OPENP5_ASSIGN_OR_RETURN(rule.until,
                          ParseDateOption("until", options.until, rule.units_per_second));
  DatasetPreset preset;
  preset.title = "a user's own " + format + " file";
  preset.rule = RuleText(options);
  preset.user_core = std::max(options.k_core_user, options.min_length);
  preset.item_core = options.k_core_item;
  preset.order = options.order == "global" ? SequenceOrder::kGlobal : SequenceOrder::kPerUser;
  preset.ties = TieOrder::kStable;
  preset.time_units_per_second = options.time_col.empty() ? 0 : rule.units_per_second;
  preset.load = [rule](const LoadOptions& load) { return Load(rule, load); };
  return preset;
}

}  // namespace openp5::datasets

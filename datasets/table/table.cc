#include "datasets/table/table.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_join.h"
#include "datasets/loaders/date_time.h"
#include "datasets/table/table_load.h"
#include "datasets/table/timestamps.h"

namespace openp5::datasets {
namespace {

// A date option in seconds.
absl::StatusOr<std::optional<int64_t>> ParseDateOption(std::string_view name,
                                                       const std::string& text) {
  if (text.empty()) return std::nullopt;
  const absl::StatusOr<int64_t> seconds = ParseDateTime(text, TextLines("", ""));
  if (!seconds.ok()) {
    return UsageError(StrCat(name,
                             ": expected a date `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS` in UTC, "
                             "got '",
                             text, "'"));
  }
  return *seconds;
}

// What stands between fields, as --separator says it.
absl::StatusOr<std::string> SeparatorOf(const std::string& format, const std::string& text) {
  if (text.empty()) return std::string();
  if (format == "jsonl") return UsageError("separator: jsonl has none");
  if (text == "tab" || text == "\\t") return std::string("\t");
  if (text == "space") return std::string(" ");
  if (text.find_first_of("\"\r\n") != std::string::npos) {
    return UsageError("separator: expected no quote and no end of line");
  }
  return text;
}

// A usage error for options that do not go together.
absl::Status Check(const std::string& format, const TableOptions& options) {
  if (options.user_col.empty() || options.item_col.empty()) {
    return UsageError("user-col, item-col: expected names of columns, got nothing");
  }
  if (options.user_col == options.item_col) {
    return UsageError(
        StrCat("user-col, item-col: expected two columns, got '", options.user_col, "' twice"));
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
  if (options.no_header && format != "csv" && format != "tsv") {
    return UsageError(StrCat("no-header: expected csv or tsv, got ", format));
  }
  if (options.time_format.empty()) return absl::OkStatus();
  if (options.time_unit != "auto" && options.time_unit != "iso") {
    return UsageError("time-format: expected no other --time-unit than iso, got " +
                      options.time_unit);
  }
  return CheckDateFormat(options.time_format);
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
                 .help = "own file: seconds, milliseconds, microseconds or nanoseconds, with or "
                         "without fractions; dates as 2014-04-07, 2014/04/07 10:51, "
                         "20140407T105101 or 2014-04-07T10:51:01.277+02:00, in UTC where they "
                         "have no zone (iso); auto: dates if the first row has one, else seconds",
                 .choices = {"auto", "s", "ms", "us", "ns", "iso"}},
                &time_unit);
  visitor.Visit({.name = "time-format",
                 .help = "own file: how dates are written, as in Python and strftime: "
                         "'%d.%m.%Y %H:%M', '%m/%d/%Y %I:%M:%S %p', '%Y-%m-%d %H:%M:%S.%f %z'"},
                &time_format);
  visitor.Visit({.name = "separator",
                 .help = "own csv, tsv or inter file: what stands between fields, such as ';', "
                         "'|' or '::'; tab; space: any run of blanks and tabs; '': the format's"},
                &separator);
  visitor.Visit({.name = "no-header",
                 .help = "own csv or tsv file: it begins with its first row, and columns are "
                         "given by number: --user-col 1"},
                &no_header);
  visitor.Visit({.name = "literal-ids",
                 .help = "own file: take nan, NULL, None, NA and the like as ids; else they stand "
                         "for missing values, and are refused"},
                &literal_ids);
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
  visitor.Visit({.name = "items-item-col",
                 .help = "own file: column of item ids in --items; '': as --item-col"},
                &items_item_col);
  visitor.Visit({.name = "title-col", .help = "own file: column of titles in --items"}, &title_col);
  visitor.Visit({.name = "category-col", .help = "own file: column of a category in --items"},
                &category_col);
}

const std::vector<std::string>& TableFormats() {
  static const auto* const formats = new std::vector<std::string>{"csv", "inter", "jsonl", "tsv"};
  return *formats;
}

absl::StatusOr<DatasetPreset> TablePreset(const std::string& format, const TableOptions& options) {
  OPENP5_RETURN_IF_ERROR(Check(format, options));
  TableRule rule{.text = {.format = format,
                          .is_latin1 = options.encoding == "latin1",
                          .separator = {},
                          .has_header = !options.no_header},
                 .options = options,
                 .since = {},
                 .until = {}};
  OPENP5_ASSIGN_OR_RETURN(rule.text.separator, SeparatorOf(format, options.separator));
  OPENP5_ASSIGN_OR_RETURN(rule.since, ParseDateOption("since", options.since));
  OPENP5_ASSIGN_OR_RETURN(rule.until, ParseDateOption("until", options.until));
  DatasetPreset preset;
  preset.title = "a user's own " + format + " file";
  preset.rule = RuleText(options);
  preset.user_core = std::max(options.k_core_user, options.min_length);
  preset.item_core = options.k_core_item;
  preset.order = options.order == "global" ? SequenceOrder::kGlobal : SequenceOrder::kPerUser;
  preset.ties = TieOrder::kStable;
  preset.load = [rule](const LoadOptions& load) { return LoadTable(rule, load); };
  return preset;
}

}  // namespace openp5::datasets

#ifndef OPENP5_DATASETS_TABLE_TIMESTAMPS_H_
#define OPENP5_DATASETS_TABLE_TIMESTAMPS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5::datasets {

// A point in time to the nanosecond.
struct Moment {
  int64_t seconds = 0;      // since 1970 in UTC, rounded down
  int32_t nanoseconds = 0;  // after that second, below 1e9

  bool operator==(const Moment&) const = default;
};

// What stands in a user's own file as a time, in the four parsers below. Messages say what was
// expected and show the text; the caller adds the place. Blanks around the text are ignored.

// A number of units since 1970, of which `units_per_second` (1, 1000, 1e6 or 1e9) make a second:
// whole, with a fraction, or with an exponent. Digits below a nanosecond are dropped. None if it is
// no number, or one whose seconds have more than 64 bits.
std::optional<Moment> ParseUnixTime(std::string_view text, int64_t units_per_second);

// A date with the year first, as ISO 8601 and its relatives have it: 2014-04-07, 2014/04/07 or
// 20140407; then, after a blank or a T, 10:51, 10:51:01, 10:51:01.277, 1051 or 105101; then a zone:
// Z, UTC, +02:00, +0200 or +02. Without a zone it is UTC. InvalidArgument for anything else, dates
// that do not exist included; it says so where day and month cannot be told apart (04/07/2014).
absl::StatusOr<Moment> ParseDate(std::string_view text);

// A date as `format` writes it: Python's and strftime's %Y %m %d %H %M %S %f %z %y %b %B %I %p ….
absl::StatusOr<Moment> ParseDateAs(std::string_view text, const std::string& format);
// OK, or what is wrong with such a format: without a year, or with a zone's name (%Z), which says
// too little.
absl::Status CheckDateFormat(const std::string& format);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TABLE_TIMESTAMPS_H_

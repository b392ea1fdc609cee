#include "datasets/loaders/date_time.h"

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace openp5::datasets {
namespace {

// The number that `digits` write; -1 if one of them is none.
int Number(std::string_view digits) {
  int number = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return -1;
    number = 10 * number + (digit - '0');
  }
  return number;
}

}  // namespace

absl::StatusOr<int64_t> ParseDateTime(std::string_view text, const TextLines& lines) {
  const absl::Status failure = InvalidArgument(
      lines.Where(), ": expected a date `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS` in UTC, got '",
      Excerpt(text), "'");
  std::string_view rest = text;
  if (rest.size() == 20 && rest.back() == 'Z') rest.remove_suffix(1);
  if (rest.size() != 10 && rest.size() != 19) return failure;
  if (rest[4] != '-' || rest[7] != '-') return failure;
  const std::chrono::year_month_day date{
      std::chrono::year(Number(rest.substr(0, 4))),
      std::chrono::month(static_cast<unsigned>(Number(rest.substr(5, 2)))),
      std::chrono::day(static_cast<unsigned>(Number(rest.substr(8, 2))))};
  if (Number(rest.substr(0, 4)) < 0 || !date.ok()) return failure;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  if (rest.size() == 10) return days * 86400;
  const int hour = Number(rest.substr(11, 2)), minute = Number(rest.substr(14, 2)),
            second = Number(rest.substr(17, 2));
  const bool is_time = (rest[10] == ' ' || rest[10] == 'T') && rest[13] == ':' && rest[16] == ':';
  if (!is_time || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return failure;
  }
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

// std::chrono's years end at 32767, where milliseconds taken for seconds do not.
std::string FormatDate(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
}

}  // namespace openp5::datasets

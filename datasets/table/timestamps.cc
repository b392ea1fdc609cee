#include "datasets/table/timestamps.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "datasets/text_lines.h"
#include "platform/base/numbers.h"

namespace openp5::datasets {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;
constexpr int kNanosecondDigits = 9;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The digits at the beginning of `text`, which lose them.
std::string_view TakeDigits(std::string_view* text) {
  const auto end = std::find_if_not(text->begin(), text->end(), IsDigit);
  const std::string_view digits = text->substr(0, static_cast<size_t>(end - text->begin()));
  text->remove_prefix(digits.size());
  return digits;
}

bool Take(char c, std::string_view* text) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

template <class Number>
bool ToNumber(std::string_view digits, Number* number) {
  const auto parsed = ParseNumber<Number>(digits);
  *number = parsed.value_or(*number);
  return parsed.has_value();
}

// Decimal digits as they are written in front of ten to the power of `exponent`.
struct Decimal {
  bool is_negative = false;
  std::string digits;  // without leading zeros
  int exponent = 0;
};

std::optional<Decimal> ParseDecimal(std::string_view text) {
  Decimal decimal;
  decimal.is_negative = Take('-', &text);
  const std::string_view whole = TakeDigits(&text);
  const std::string_view fraction = Take('.', &text) ? TakeDigits(&text) : std::string_view();
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (Take('e', &text) || Take('E', &text)) {
    const bool is_small = Take('-', &text);
    if (!is_small) Take('+', &text);
    if (!ToNumber(TakeDigits(&text), &decimal.exponent)) return std::nullopt;
    decimal.exponent = std::min(decimal.exponent, 1'000'000) * (is_small ? -1 : 1);
  }
  if (!text.empty() || fraction.size() > 1'000'000) return std::nullopt;
  decimal.exponent -= static_cast<int>(fraction.size());
  decimal.digits = StrCat(whole, fraction);
  decimal.digits.erase(0, decimal.digits.find_first_not_of('0'));
  return decimal;
}

std::optional<Moment> FromDecimal(Decimal decimal) {
  constexpr int kMostDigits = 40;
  std::string& digits = decimal.digits;  // of nanoseconds, below
  if (digits.empty()) return Moment();
  if (decimal.exponent < 0) {
    digits.resize(digits.size() - std::min(digits.size(), static_cast<size_t>(-decimal.exponent)));
  } else if (static_cast<int>(digits.size()) + decimal.exponent <= kMostDigits) {
    digits.append(static_cast<size_t>(decimal.exponent), '0');
  } else {
    return std::nullopt;
  }
  if (digits.size() <= kNanosecondDigits) {
    digits.insert(0, kNanosecondDigits + 1 - digits.size(), '0');
  }
  Moment moment;
  const size_t place = digits.size() - kNanosecondDigits;
  if (!ToNumber(std::string_view(digits).substr(0, place), &moment.seconds) ||
      !ToNumber(std::string_view(digits).substr(place), &moment.nanoseconds)) {
    return std::nullopt;
  }
  if (!decimal.is_negative) return moment;
  if (moment.nanoseconds == 0) return Moment{-moment.seconds, 0};
  return Moment{-moment.seconds - 1, static_cast<int32_t>(kNanoseconds) - moment.nanoseconds};
}

// Reads a date piece by piece. Each step returns false where the text is not what it must be.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  bool Read(Moment* moment) {
    if (!ReadDay()) return false;
    const bool is_day = compact_time_.empty() && rest_.empty();
    if (!is_day && (!ReadTime() || !ReadFraction() || !ReadZone())) return false;
    const std::chrono::year_month_day date{std::chrono::year(year_),
                                           std::chrono::month(static_cast<unsigned>(month_)),
                                           std::chrono::day(static_cast<unsigned>(day_))};
    if (!date.ok() || hour_ > 23 || minute_ > 59 || second_ > 59) return false;
    const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    *moment = {days * 86400 + hour_ * 3600 + minute_ * 60 + second_ - zone_seconds_, nanoseconds_};
    return true;
  }

 private:
  bool ReadDay() {
    const std::string_view digits = TakeDigits(&rest_);
    if (digits.size() == 4) {
      const char separator = rest_.empty() ? '\0' : rest_.front();
      return (separator == '-' || separator == '/' || separator == '.') &&
             ToNumber(digits, &year_) && Take(separator, &rest_) && ReadNumber(1, 2, &month_) &&
             Take(separator, &rest_) && ReadNumber(1, 2, &day_);
    }
    if (digits.size() != 8 && digits.size() != 14) return false;
    compact_time_ = digits.substr(8);
    return ToNumber(digits.substr(0, 4), &year_) && ToNumber(digits.substr(4, 2), &month_) &&
           ToNumber(digits.substr(6, 2), &day_);
  }

  bool ReadTime() {
    if (!compact_time_.empty()) return ReadCompactTime();
    if (!Take(' ', &rest_) && !Take('T', &rest_) && !Take('t', &rest_)) return false;
    const std::string_view digits = TakeDigits(&rest_);
    if (digits.size() == 4 || digits.size() == 6) {
      compact_time_ = digits;
      return ReadCompactTime();
    }
    const bool is_hour = (digits.size() == 1 || digits.size() == 2) && ToNumber(digits, &hour_);
    if (!is_hour || !Take(':', &rest_) || !ReadNumber(2, 2, &minute_)) return false;
    return !Take(':', &rest_) || ReadNumber(2, 2, &second_);
  }

  bool ReadCompactTime() {
    return ToNumber(compact_time_.substr(0, 2), &hour_) &&
           ToNumber(compact_time_.substr(2, 2), &minute_) &&
           (compact_time_.size() == 4 || ToNumber(compact_time_.substr(4, 2), &second_));
  }

  // After a point or, as ISO 8601 prefers, a comma.
  bool ReadFraction() {
    if (!Take('.', &rest_) && !Take(',', &rest_)) return true;
    std::string digits(TakeDigits(&rest_));
    if (digits.empty()) return false;
    digits.resize(kNanosecondDigits, '0');
    return ToNumber(digits, &nanoseconds_);
  }

  bool ReadZone() {
    Take(' ', &rest_);
    if (rest_.empty() || rest_ == "Z" || rest_ == "z" || rest_ == "UTC") return true;
    const bool is_west = Take('-', &rest_);
    if (!is_west && !Take('+', &rest_)) return false;
    const std::string_view digits = TakeDigits(&rest_);
    int hours = 0, minutes = 0;
    if (!ToNumber(digits.substr(0, 2), &hours)) return false;
    if (digits.size() == 4) {
      if (!ToNumber(digits.substr(2), &minutes)) return false;
    } else if (digits.size() != 2 || (Take(':', &rest_) && !ReadNumber(2, 2, &minutes))) {
      return false;
    }
    zone_seconds_ = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
    return rest_.empty() && hours <= 15 && minutes <= 59;
  }

  bool ReadNumber(size_t least_digits, size_t most_digits, int* number) {
    const std::string_view digits = TakeDigits(&rest_);
    return digits.size() >= least_digits && digits.size() <= most_digits &&
           ToNumber(digits, number);
  }

  std::string_view rest_, compact_time_;
  int year_ = 0, month_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0, zone_seconds_ = 0;
  int32_t nanoseconds_ = 0;
};

// The separator of a date whose day and month come before the year, else 0.
char SeparatorOfDayOrMonthFirst(std::string_view text) {
  const size_t first = TakeDigits(&text).size();
  const char separator = text.empty() ? '\0' : text.front();
  if (first < 1 || first > 2 || (separator != '/' && separator != '.' && separator != '-')) {
    return '\0';
  }
  Take(separator, &text);
  const size_t second = TakeDigits(&text).size();
  if (second < 1 || second > 2 || !Take(separator, &text)) return '\0';
  return TakeDigits(&text).size() >= 2 ? separator : '\0';
}

// `format` in the words of absl::ParseTime.
std::string AbslFormat(const std::string& format) {
  return absl::StrReplaceAll(format, {{"%%", "%%"}, {"%Y", "%E4Y"}, {"%f", "%E*f"}, {"%z", "%Ez"}});
}

}  // namespace

std::optional<Moment> ParseUnixTime(std::string_view text, int64_t units_per_second) {
  text = Trim(text);
  if (int64_t whole = 0; ToNumber(text, &whole)) {
    const int64_t rest = whole % units_per_second, is_before = rest < 0 ? 1 : 0;
    return Moment{whole / units_per_second - is_before,
                  static_cast<int32_t>((rest + is_before * units_per_second) *
                                       (kNanoseconds / units_per_second))};
  }
  std::optional<Decimal> decimal = ParseDecimal(text);
  if (!decimal.has_value()) return std::nullopt;
  for (int64_t units = units_per_second; units < kNanoseconds; units *= 10) ++decimal->exponent;
  return FromDecimal(*std::move(decimal));
}

absl::StatusOr<Moment> ParseDate(std::string_view text) {
  Moment moment;
  if (DateReader(Trim(text)).Read(&moment)) return moment;
  if (const char separator = SeparatorOfDayOrMonthFirst(Trim(text)); separator != '\0') {
    const std::string mark(1, separator);
    return InvalidArgument("expected a date with the year first, got '", Excerpt(text),
                           "', which may begin with the day or the month; hint: --time-format '%d",
                           mark, "%m", mark, "%Y' or '%m", mark, "%d", mark,
                           "%Y', with ' %H:%M:%S' where a time follows");
  }
  return InvalidArgument(
      "expected a date such as 2014-04-07, 2014/04/07 10:51, 20140407T105101 or "
      "2014-04-07T10:51:01.277+02:00, got '",
      Excerpt(text), "'; hint: --time-format says how others are written");
}

absl::StatusOr<Moment> ParseDateAs(std::string_view text, const std::string& format) {
  absl::Time time;
  std::string error;
  const std::string trimmed(Trim(text));
  if (!absl::ParseTime(AbslFormat(format), trimmed, absl::UTCTimeZone(), &time, &error) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return InvalidArgument("expected a date as '", format, "', got '", Excerpt(text), "'");
  }
  const int64_t seconds = absl::ToUnixSeconds(time);
  return Moment{seconds, static_cast<int32_t>(
                             absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds)))};
}

absl::Status CheckDateFormat(const std::string& format) {
  bool has_year = false;
  for (size_t i = 0; i + 1 < format.size(); ++i) {
    if (format[i] != '%') continue;
    const char field = format[++i];
    if (field == 'Z') {
      return UsageError(StrCat("time-format: expected %z (+02:00) for a zone, got %Z in '", format,
                               "'; the name of a zone says too little"));
    }
    has_year |= std::string_view("YyDFscEO").find(field) != std::string_view::npos;
  }
  if (has_year) return absl::OkStatus();
  return UsageError(
      StrCat("time-format: expected a format with a year such as '%d.%m.%Y %H:%M', "
             "got '",
             format, "'"));
}

}  // namespace openp5::datasets

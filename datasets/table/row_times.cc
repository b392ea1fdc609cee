#include "datasets/table/row_times.h"

#include <algorithm>
#include <utility>

#include "datasets/text_lines.h"

namespace openp5::datasets {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;

std::string_view NameOf(std::string_view unit) {
  if (unit == "ms") return "a timestamp in milliseconds";
  if (unit == "us") return "a timestamp in microseconds";
  if (unit == "ns") return "a timestamp in nanoseconds";
  return "a timestamp in seconds of 64 bits as microseconds";
}

}  // namespace

RowTimes::RowTimes(std::string unit, std::string format, bool allow_negative)
    : unit_(format.empty() ? std::move(unit) : "iso"),
      format_(std::move(format)),
      allow_negative_(allow_negative) {}

int64_t RowTimes::UnitsPerSecond() const {
  if (unit_ == "ms") return 1000;
  if (unit_ == "us") return 1'000'000;
  return unit_ == "ns" ? kNanoseconds : 1;
}

// Seconds have always been kept as microseconds.
int64_t RowTimes::StepsPerSecond() const {
  return unit_ == "s" || unit_ == "auto" ? 1'000'000 : UnitsPerSecond();
}

absl::Status RowTimes::ChooseUnit(std::string_view text) {
  if (unit_ != "auto") return absl::OkStatus();
  const bool is_date = ParseDate(text).ok(), is_number = ParseUnixTime(text, 1).has_value();
  if (is_date && is_number && (text.starts_with("19") || text.starts_with("20"))) {
    return InvalidArgument("expected seconds or a date, got '", Excerpt(text),
                           "', which may be both; hint: --time-unit iso or --time-unit s");
  }
  if (is_number) {
    unit_ = "s";
  } else if (is_date) {
    unit_ = "iso";
  }
  return absl::OkStatus();
}

absl::StatusOr<Moment> RowTimes::Parse(std::string_view text) {
  OPENP5_RETURN_IF_ERROR(ChooseUnit(text));
  if (unit_ != "iso") return ParseNumber(text);
  return format_.empty() ? ParseDate(text) : ParseDateAs(text, format_);
}

absl::StatusOr<Moment> RowTimes::ParseNumber(std::string_view text) const {
  const std::optional<Moment> moment = ParseUnixTime(text, UnitsPerSecond());
  if (!moment.has_value() || !Steps(*moment).ok()) {
    const absl::StatusOr<Moment> date = ParseDate(text);
    // What may begin with a day or a month.
    const bool is_doubtful = ToStd(date.status().message()).find("'%d") != std::string::npos;
    if (is_doubtful && unit_ == "auto") return date;
    return InvalidArgument("expected ", NameOf(unit_), ", got '", Excerpt(text), "'",
                           date.ok() ? "; hint: --time-unit iso reads dates" : "");
  }
  if (moment->seconds < 0 && !allow_negative_) {
    return InvalidArgument("expected a timestamp that is not negative, got '", Excerpt(text),
                           "'; --allow-negative-time takes it");
  }
  return *moment;
}

absl::StatusOr<int64_t> RowTimes::Steps(const Moment& moment) const {
  const int64_t steps = StepsPerSecond(), within = moment.nanoseconds / (kNanoseconds / steps);
  int64_t result = 0;
  if (__builtin_mul_overflow(moment.seconds, steps, &result) ||
      __builtin_add_overflow(result, within, &result)) {
    return InvalidArgument("expected ", NameOf(unit_), ", got ", moment.seconds, " seconds");
  }
  return result;
}

void RowTimes::NoteRest(const Moment& moment, const Interactions& rows) {
  const auto rest = static_cast<int32_t>(moment.nanoseconds % (kNanoseconds / StepsPerSecond()));
  if (rest == 0 && rests_.empty()) return;
  rests_.resize(rows.size());
  rests_.push_back(rest);
}

absl::StatusOr<int64_t> RowTimes::Refine(Interactions* rows) const {
  if (rests_.empty()) return StepsPerSecond();
  const int64_t scale = kNanoseconds / StepsPerSecond();
  for (size_t row = 0; row < rows->size(); ++row) {
    int64_t& time = rows->time[row];
    const int64_t steps = time, rest = row < rests_.size() ? rests_[row] : 0;
    if (__builtin_mul_overflow(steps, scale, &time) || __builtin_add_overflow(time, rest, &time)) {
      return InvalidArgument("times: expected the years 1678 to 2261 in a file whose times have ",
                             "fractions finer than ", scale, " ns, got ", steps / StepsPerSecond(),
                             " seconds since 1970");
    }
  }
  return kNanoseconds;
}

}  // namespace openp5::datasets

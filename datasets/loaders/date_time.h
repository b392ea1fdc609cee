#ifndef OPENP5_DATASETS_LOADERS_DATE_TIME_H_
#define OPENP5_DATASETS_LOADERS_DATE_TIME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "datasets/text_lines.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// Seconds since 1970 of `2019-12-31`, `2019-12-31 23:59:59` or `2019-12-31T23:59:59` (a Z may
// follow), taken as UTC on every machine. InvalidArgument naming the place and the patterns for
// anything else, dates that do not exist and other zones included.
absl::StatusOr<int64_t> ParseDateTime(std::string_view text, const TextLines& lines);

// `2019-12-31`, the day in UTC that holds this second since 1970; a year beyond 9999 has as many
// digits as it needs, and one before 1970 is written likewise.
std::string FormatDate(int64_t seconds);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_DATE_TIME_H_

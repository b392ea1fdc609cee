#ifndef OPENP5_DATASETS_TABLE_ROW_TIMES_H_
#define OPENP5_DATASETS_TABLE_ROW_TIMES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/interactions.h"
#include "datasets/table/timestamps.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// Reads the times of a user's own file, whose unit may follow from its first row, and keeps those
// of interactions: in steps of the unit, and what is finer only if there is any.
class RowTimes {
 public:
  // `unit`: "s", "ms", "us", "ns", "iso", or "auto": dates if the first time is one, else seconds.
  // `format`: as dates are written (see ParseDateAs); "": as ParseDate takes them.
  RowTimes(std::string unit, std::string format, bool allow_negative);

  // InvalidArgument without a place for what is no time, a number below 0 that is not allowed, and
  // with "auto" for a first time that is both a date and a number of seconds (20140407).
  absl::StatusOr<Moment> Parse(std::string_view text);

  // The time of a row in steps of the unit, rounded down; InvalidArgument where they have more than
  // 64 bits.
  absl::StatusOr<int64_t> Steps(const Moment& moment) const;
  // Notes what Steps rounded off, for the row of `rows` that comes next.
  void NoteRest(const Moment& moment, const Interactions& rows);

  // After the last row: makes the times of `rows` finer if they are not whole steps. Returns their
  // units per second. InvalidArgument if nanoseconds cannot hold them (1678 to 2261).
  absl::StatusOr<int64_t> Refine(Interactions* rows) const;

 private:
  absl::StatusOr<Moment> ParseNumber(std::string_view text) const;
  absl::Status ChooseUnit(std::string_view text);
  int64_t UnitsPerSecond() const;
  int64_t StepsPerSecond() const;

  std::string unit_;
  const std::string format_;
  const bool allow_negative_;
  std::vector<int32_t> rests_;  // [rows] nanoseconds that Steps rounded off; empty: none
};

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_TABLE_ROW_TIMES_H_

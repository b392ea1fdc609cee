#include "trainers/schedule.h"

#include <algorithm>

namespace openp5::trainers {
namespace {

double Ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<int64_t>(1, whole));
}

double Decay(int64_t step, const ScheduleLength& length) {
  return std::max(0.0, Ratio(length.total_steps - step, length.total_steps - length.warmup_steps));
}

double LinearFromZero(int64_t step, const ScheduleLength& length) {
  if (step < length.warmup_steps) return Ratio(step, length.warmup_steps);
  return Decay(step, length);
}

double Linear(int64_t step, const ScheduleLength& length) {
  if (step < length.warmup_steps) return Ratio(step + 1, length.warmup_steps + 1);
  return Decay(step, length);
}

double Constant(int64_t step, const ScheduleLength& length) {
  return step < length.warmup_steps ? Ratio(step + 1, length.warmup_steps + 1) : 1.0;
}

}  // namespace

absl::Status RegisterBuiltinSchedules(Registry<ScheduleFunction>* registry) {
  OPENP5_RETURN_IF_ERROR(registry->Register("linear", Linear));
  OPENP5_RETURN_IF_ERROR(registry->Register("linear-from-zero", LinearFromZero));
  return registry->Register("constant", Constant);
}

}  // namespace openp5::trainers

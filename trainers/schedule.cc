#include "trainers/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace openp5::trainers {
namespace {

double Ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<int64_t>(1, whole));
}

double Decay(int64_t step, const ScheduleLength& length) {
  return std::max(0.0, Ratio(length.total_steps - step, length.total_steps - length.warmup_steps));
}

double WarmUp(int64_t step, const ScheduleLength& length) {
  return Ratio(step + 1, length.warmup_steps + 1);
}

double LinearFromZero(int64_t step, const ScheduleLength& length) {
  if (step < length.warmup_steps) return Ratio(step, length.warmup_steps);
  return Decay(step, length);
}

double Linear(int64_t step, const ScheduleLength& length) {
  return step < length.warmup_steps ? WarmUp(step, length) : Decay(step, length);
}

double Constant(int64_t step, const ScheduleLength& length) {
  return step < length.warmup_steps ? WarmUp(step, length) : 1.0;
}

double Cosine(int64_t step, const ScheduleLength& length) {
  if (step < length.warmup_steps) return WarmUp(step, length);
  return (1 + std::cos(std::numbers::pi * (1 - Decay(step, length)))) / 2;
}

double InverseSquareRoot(int64_t step, const ScheduleLength& length) {
  if (step < length.warmup_steps) return WarmUp(step, length);
  const int64_t top = length.warmup_steps + 1;  // the first step at the full rate, from 1
  return std::sqrt(Ratio(top, step + 1));
}

}  // namespace

absl::Status RegisterBuiltinSchedules(Registry<ScheduleFunction>* registry) {
  OPENP5_RETURN_IF_ERROR(registry->Register("linear", Linear));
  OPENP5_RETURN_IF_ERROR(registry->Register("linear-from-zero", LinearFromZero));
  OPENP5_RETURN_IF_ERROR(registry->Register("cosine", Cosine));
  OPENP5_RETURN_IF_ERROR(registry->Register("inverse-sqrt", InverseSquareRoot));
  return registry->Register("constant", Constant);
}

}  // namespace openp5::trainers

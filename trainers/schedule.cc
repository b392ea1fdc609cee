#include "trainers/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_format.h"
#include "platform/base/log.h"

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

absl::StatusOr<LearningRate> LearningRate::Create(const TrainOptions& options,
                                                  int64_t batches_per_epoch) {
  Registry<ScheduleFunction> schedules("schedule");
  OPENP5_RETURN_IF_ERROR(RegisterBuiltinSchedules(&schedules));
  LearningRate rate;
  rate.name_ = options.ScheduleName();
  OPENP5_ASSIGN_OR_RETURN(const ScheduleFunction* schedule, schedules.Find(rate.name_));
  rate.schedule_ = *schedule;
  rate.largest_ = options.schedule.lr;
  rate.warmup_share_ = options.schedule.warmup_prop;
  // OpenP5 accumulates nothing: there the option only shortens the schedule.
  const int64_t a_step = options.BatchesPerStep();
  const int64_t divisor = options.optimizer.gradient_accumulation_steps / a_step;
  const int64_t steps_per_epoch = (batches_per_epoch + a_step - 1) / a_step;
  rate.total_steps_ = std::max<int64_t>(1, steps_per_epoch / divisor * options.schedule.epochs);
  const int64_t most = options.schedule.max_steps;
  if (most > 0) rate.total_steps_ = std::min(rate.total_steps_, most);
  return rate;
}

double LearningRate::At(int64_t step, int64_t total_steps) const {
  const auto warmup = static_cast<int64_t>(warmup_share_ * static_cast<double>(total_steps));
  return largest_ * schedule_(step, {.warmup_steps = warmup, .total_steps = total_steps});
}

void LearningRate::WarnOfChange(int64_t step, int64_t before) const {
  if (step == 0 || before == total_steps_ || At(step) == At(step, before)) return;
  LogWarning(absl::StrFormat(
      "--schedule %s goes by the number of steps, which was %d and is now %d: the learning rate "
      "goes on at %g, and the result is neither that of a run of %d steps nor that of one of %d",
      name_, before, total_steps_, At(step), before, total_steps_));
}

}  // namespace openp5::trainers

#ifndef OPENP5_TRAINERS_SCHEDULE_H_
#define OPENP5_TRAINERS_SCHEDULE_H_

#include <cstdint>
#include <string>

#include "platform/base/status.h"
#include "platform/registry/registry.h"
#include "trainers/train_options.h"

namespace openp5::trainers {

struct ScheduleLength {
  int64_t warmup_steps = 0;
  int64_t total_steps = 1;
};

// What the learning rate of step `step` (from 0) is multiplied by, in [0, 1].
using ScheduleFunction = double (*)(int64_t step, const ScheduleLength& length);

// "linear": up in equal parts that start above 0, then down to 0 after the last step.
// "linear-from-zero": OpenP5's (Hugging Face's): the same, but the first step of a warm-up has rate
// 0 and so changes nothing. "constant": up as in "linear", then 1. "cosine": then down along half a
// cosine to 0 (Loshchilov and Hutter, 2017). "inverse-sqrt": then down with the root of the step
// (Vaswani et al., 2017), whatever the number of steps to come.
absl::Status RegisterBuiltinSchedules(Registry<ScheduleFunction>* registry);

// The learning rate of every step of a run.
class LearningRate {
 public:
  // Fails if there is no schedule of the options' name.
  static absl::StatusOr<LearningRate> Create(const TrainOptions& options,
                                             int64_t batches_per_epoch);

  // The rate of step `step`, from 0.
  double At(int64_t step) const { return At(step, total_steps_); }
  // The steps of the whole run as the schedule counts them.
  int64_t total_steps() const { return total_steps_; }
  // Warns if a run that goes on after `step` steps, and was one of `before`, goes on with another
  // rate than it had then.
  void WarnOfChange(int64_t step, int64_t before) const;

 private:
  double At(int64_t step, int64_t total_steps) const;

  std::string name_;
  ScheduleFunction schedule_ = nullptr;
  double largest_ = 0, warmup_share_ = 0;
  int64_t total_steps_ = 1;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_SCHEDULE_H_

#ifndef OPENP5_TRAINERS_EPOCH_SELECTION_H_
#define OPENP5_TRAINERS_EPOCH_SELECTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "evaluators/metrics.h"
#include "platform/base/status.h"
#include "trainers/train_options.h"
#include "trainers/training_state.h"

namespace openp5::trainers {

// Says what epochs are compared by, which ones are kept, and when to stop for want of better ones.
class EpochSelection {
 public:
  enum class By { kNothing, kLoss, kMetric };

  // UsageError if `options.valid_select` is neither "loss" nor "none" nor a metric.
  static absl::StatusOr<EpochSelection> Create(const TrainOptions& options);

  // By nothing, every epoch is as good as the others, and the last one is the best.
  By by() const { return by_; }
  // One metric if epochs are compared by it, else none.
  const std::vector<evaluators::Metric>& metric() const { return metric_; }
  // The text of --valid-select.
  const std::string& name() const { return name_; }

  // Puts an epoch that is later than all of `best` among them, the best first, and drops what is
  // beyond --keep-best. True if it is the best of all.
  bool Add(const EpochValue& epoch, std::vector<EpochValue>* best) const;
  // True if after `epochs` epochs --patience is at its end.
  bool HasStalled(int64_t epochs, const std::vector<EpochValue>& best) const;
  // The loss or the metric behind an EpochValue's value; NaN by nothing.
  double Measured(double value) const;

 private:
  By by_ = By::kLoss;
  std::string name_;
  std::vector<evaluators::Metric> metric_ = {};
  int64_t keep_ = 1, patience_ = 0;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_EPOCH_SELECTION_H_

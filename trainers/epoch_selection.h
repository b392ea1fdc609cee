#ifndef OPENP5_TRAINERS_EPOCH_SELECTION_H_
#define OPENP5_TRAINERS_EPOCH_SELECTION_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "evaluators/metrics.h"
#include "platform/base/status.h"
#include "trainers/train_options.h"
#include "trainers/training_state.h"

namespace openp5::trainers {

// Says what epochs are compared by, which ones are kept, and when to stop for want of better ones.
class EpochSelection {
 public:
  // UsageError if `options.valid_select` is neither "loss" nor "none" nor a metric.
  static absl::StatusOr<EpochSelection> Create(const SelectionOptions& options);

  // By nothing, every epoch is as good as the others, and the last one is the best.
  SelectBy by() const { return SelectByOf(options_.valid_select); }
  // One metric if epochs are compared by it, else none.
  const std::vector<evaluators::Metric>& metric() const { return metric_; }
  // The text of --valid-select.
  const std::string& name() const { return options_.valid_select; }

  // Puts an epoch that is later than all of `best` among them, the best first, and drops what is
  // beyond --keep-best. True if it is the best of all.
  bool Add(const EpochValue& epoch, std::vector<EpochValue>* best) const;
  // True if after `epochs` epochs --patience is at its end.
  bool HasStalled(int64_t epochs, const std::vector<EpochValue>& best) const;
  // The loss or the metric behind an EpochValue's value; NaN by nothing.
  double Measured(double value) const;

 private:
  explicit EpochSelection(SelectionOptions options) : options_(std::move(options)) {}

  SelectionOptions options_;
  std::vector<evaluators::Metric> metric_ = {};
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_EPOCH_SELECTION_H_

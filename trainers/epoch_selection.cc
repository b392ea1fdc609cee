#include "trainers/epoch_selection.h"

#include <algorithm>
#include <limits>

namespace openp5::trainers {

absl::StatusOr<EpochSelection> EpochSelection::Create(const TrainOptions& options) {
  EpochSelection selection;
  selection.name_ = options.valid_select;
  selection.keep_ = options.keep_best;
  selection.patience_ = options.patience;
  if (selection.name_ == "loss") return selection;
  if (selection.name_ == "none") {
    selection.by_ = By::kNothing;
    return selection;
  }
  auto metric = evaluators::ParseMetrics({selection.name_});
  if (!metric.ok()) {
    return UsageError(
        StrCat("--valid-select: expected loss, none or a metric such as hit@10, got '",
               selection.name_, "'"));
  }
  selection.by_ = By::kMetric;
  selection.metric_ = *std::move(metric);
  return selection;
}

bool EpochSelection::Add(const EpochValue& epoch, std::vector<EpochValue>* best) const {
  const bool is_best = by_ == By::kNothing || best->empty() || epoch.value < best->front().value;
  const auto place = is_best ? best->begin()
                             : std::upper_bound(best->begin(), best->end(), epoch,
                                                [](const EpochValue& a, const EpochValue& b) {
                                                  return a.value < b.value;
                                                });
  best->insert(place, epoch);
  if (best->size() > static_cast<size_t>(keep_)) best->resize(static_cast<size_t>(keep_));
  return is_best;
}

bool EpochSelection::HasStalled(int64_t epochs, const std::vector<EpochValue>& best) const {
  return patience_ > 0 && !best.empty() && epochs - 1 - best.front().epoch >= patience_;
}

double EpochSelection::Measured(double value) const {
  if (by_ == By::kNothing) return std::numeric_limits<double>::quiet_NaN();
  return by_ == By::kLoss ? value : -value;
}

}  // namespace openp5::trainers

#include "trainers/epoch_selection.h"

#include <algorithm>
#include <limits>

namespace openp5::trainers {

absl::StatusOr<EpochSelection> EpochSelection::Create(const SelectionOptions& options) {
  EpochSelection selection(options);
  if (selection.by() != SelectBy::kMetric) return selection;
  auto metric = evaluators::ParseMetrics({options.valid_select});
  if (!metric.ok()) {
    return UsageError(
        StrCat("--valid-select: expected loss, none or a metric such as hit@10, got '",
               options.valid_select, "'"));
  }
  selection.metric_ = *std::move(metric);
  return selection;
}

bool EpochSelection::Add(const EpochValue& epoch, std::vector<EpochValue>* best) const {
  const auto keep = static_cast<size_t>(options_.keep_best);
  const bool is_best =
      by() == SelectBy::kNothing || best->empty() || epoch.value < best->front().value;
  const auto place = is_best ? best->begin()
                             : std::upper_bound(best->begin(), best->end(), epoch,
                                                [](const EpochValue& a, const EpochValue& b) {
                                                  return a.value < b.value;
                                                });
  best->insert(place, epoch);
  if (best->size() > keep) best->resize(keep);
  return is_best;
}

bool EpochSelection::HasStalled(int64_t epochs, const std::vector<EpochValue>& best) const {
  return options_.patience > 0 && !best.empty() &&
         epochs - 1 - best.front().epoch >= options_.patience;
}

double EpochSelection::Measured(double value) const {
  if (by() == SelectBy::kNothing) return std::numeric_limits<double>::quiet_NaN();
  return by() == SelectBy::kLoss ? value : -value;
}

}  // namespace openp5::trainers

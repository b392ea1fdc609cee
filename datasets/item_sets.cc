#include "datasets/item_sets.h"

#include <algorithm>

namespace openp5::datasets {

std::vector<int32_t> DistinctItems(std::span<const int32_t> items) {
  std::vector<int32_t> distinct(items.begin(), items.end());
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  return distinct;
}

std::vector<int64_t> TrainingCounts(const SequenceDataset& dataset) {
  std::vector<int64_t> counts(static_cast<size_t>(dataset.item_count()), 0);
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    for (const int32_t item : dataset.TrainPart(user)) ++counts[static_cast<size_t>(item)];
  }
  return counts;
}

}  // namespace openp5::datasets

#include "evaluators/evaluation_users.h"

#include <algorithm>

namespace openp5::evaluators {

std::vector<datasets::Position> EvaluationPositions(const datasets::SequenceDataset& dataset,
                                                    const EvaluationOptions& options) {
  std::vector<datasets::Position> positions =
      datasets::SplitPositions(dataset, options.SplitKind(), /*skip_empty_history=*/true);
  if (options.users > 0 && positions.size() > static_cast<size_t>(options.users)) {
    positions.resize(static_cast<size_t>(options.users));
  }
  return positions;
}

std::vector<int32_t> PastItems(const datasets::SequenceDataset& dataset,
                               const datasets::Position& position) {
  const auto past = dataset.Sequence(position.user).first(static_cast<size_t>(position.target));
  std::vector<int32_t> items(past.begin(), past.end());
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

std::vector<int64_t> TrainingCounts(const datasets::SequenceDataset& dataset) {
  std::vector<int64_t> counts(static_cast<size_t>(dataset.item_count()), 0);
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    for (const int32_t item : dataset.TrainPart(user)) ++counts[static_cast<size_t>(item)];
  }
  return counts;
}

}  // namespace openp5::evaluators

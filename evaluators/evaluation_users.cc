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

}  // namespace openp5::evaluators

#include "platform/recommenders/best_items.h"

#include <algorithm>

namespace openp5::recommenders {

void KeepBest(size_t count, std::vector<ScoredItem>* items) {
  const auto kept = items->begin() + static_cast<int64_t>(std::min(count, items->size()));
  std::partial_sort(items->begin(), kept, items->end(),
                    [](const ScoredItem& a, const ScoredItem& b) {
                      return a.score != b.score ? a.score > b.score : a.item < b.item;
                    });
  items->erase(kept, items->end());
}

Ranking RankBest(size_t count, std::vector<ScoredItem> candidates) {
  KeepBest(count, &candidates);
  Ranking ranking;
  for (const auto& [item, score] : candidates) {
    ranking.items.push_back(item);
    ranking.scores.push_back(static_cast<float>(score));
  }
  return ranking;
}

}  // namespace openp5::recommenders

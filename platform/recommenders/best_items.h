#ifndef OPENP5_PLATFORM_RECOMMENDERS_BEST_ITEMS_H_
#define OPENP5_PLATFORM_RECOMMENDERS_BEST_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

struct ScoredItem {
  int32_t item = 0;
  double score = 0;
};

// Leaves the `count` best, best first; equal scores in order of item number.
void KeepBest(size_t count, std::vector<ScoredItem>* items);
// The list of the `count` best of `candidates`.
Ranking RankBest(size_t count, std::vector<ScoredItem> candidates);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_BEST_ITEMS_H_

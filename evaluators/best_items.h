#ifndef OPENP5_EVALUATORS_BEST_ITEMS_H_
#define OPENP5_EVALUATORS_BEST_ITEMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "evaluators/ranking_result.h"

namespace openp5::evaluators {

struct ScoredItem {
  int32_t item = 0;
  double score = 0;
};

// Leaves the `count` best, best first; equal scores in order of item number.
void KeepBest(size_t count, std::vector<ScoredItem>* items);
// Appends the `count` best of `candidates`, which it may reorder, to `ranking`.
void RankBest(size_t count, std::vector<ScoredItem>* candidates, UserRanking* ranking);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_BEST_ITEMS_H_

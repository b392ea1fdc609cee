#ifndef OPENP5_TESTS_EVALUATORS_TOY_LISTS_H_
#define OPENP5_TESTS_EVALUATORS_TOY_LISTS_H_

#include <utility>
#include <vector>

#include "evaluators/metrics.h"

namespace openp5::testing {

// Every user's list as 1 where the entry is the target and 0 elsewhere, made one of items: the
// target is item 1.
inline std::vector<evaluators::UserRanking> ListsOf(
    const std::vector<std::vector<int32_t>>& relevance) {
  std::vector<evaluators::UserRanking> rankings;
  for (const std::vector<int32_t>& list : relevance) {
    rankings.push_back({.user = static_cast<int32_t>(rankings.size()), .target = 1, .items = list});
  }
  return rankings;
}

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_EVALUATORS_TOY_LISTS_H_

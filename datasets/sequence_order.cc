#include "datasets/sequence_order.h"

#include <algorithm>
#include <numeric>

#include "datasets/numpy_argsort.h"

namespace openp5::datasets {
namespace {

std::vector<int64_t> StableArgsort(const std::vector<int64_t>& keys) {
  std::vector<int64_t> rows(keys.size());
  std::iota(rows.begin(), rows.end(), int64_t{0});
  std::stable_sort(rows.begin(), rows.end(), [&](int64_t a, int64_t b) {
    return keys[static_cast<size_t>(a)] < keys[static_cast<size_t>(b)];
  });
  return rows;
}

}  // namespace

std::vector<UserItems> OrderSequences(const Interactions& interactions, SequenceOrder order,
                                      TieOrder ties) {
  const std::vector<int64_t> sorted =
      ties == TieOrder::kNumpy ? NumpyArgsort(interactions.time) : StableArgsort(interactions.time);
  std::vector<UserItems> sequences;
  std::vector<int32_t> place(static_cast<size_t>(interactions.users.size()), -1);
  const auto open = [&](int32_t user) {
    int32_t& at = place[static_cast<size_t>(user)];
    if (at >= 0) return;
    at = static_cast<int32_t>(sequences.size());
    sequences.push_back({user, {}});
  };
  if (order == SequenceOrder::kPerUser) {
    // Users are numbered in order of first appearance.
    std::vector<int32_t> users = interactions.user;
    std::sort(users.begin(), users.end());
    std::for_each(users.begin(), users.end(), open);
  }
  for (const int64_t row : sorted) {
    const int32_t user = interactions.user[static_cast<size_t>(row)];
    open(user);
    sequences[static_cast<size_t>(place[static_cast<size_t>(user)])].items.push_back(
        interactions.item[static_cast<size_t>(row)]);
  }
  return sequences;
}

}  // namespace openp5::datasets

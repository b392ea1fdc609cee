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

std::string GlobalOrderText(const Interactions& interactions, TieOrder ties) {
  const std::vector<int64_t> sorted =
      ties == TieOrder::kNumpy ? NumpyArgsort(interactions.time) : StableArgsort(interactions.time);
  std::vector<int32_t> users;  // in order of first appearance
  std::vector<std::vector<int32_t>> items(static_cast<size_t>(interactions.users.size()));
  for (const int64_t row : sorted) {
    const int32_t user = interactions.user[static_cast<size_t>(row)];
    std::vector<int32_t>& sequence = items[static_cast<size_t>(user)];
    if (sequence.empty()) users.push_back(user);
    sequence.push_back(interactions.item[static_cast<size_t>(row)]);
  }
  std::string text;
  for (const int32_t user : users) {
    text += interactions.users.Id(user);
    for (const int32_t item : items[static_cast<size_t>(user)]) {
      text += ' ';
      text += interactions.items.Id(item);
    }
    text += '\n';
  }
  return text;
}

}  // namespace openp5::datasets

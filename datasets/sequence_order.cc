#include "datasets/sequence_order.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "datasets/numpy_argsort.h"
#include "platform/base/status.h"

namespace openp5::datasets {
namespace {

// Rows by user, each user's in order, and the users in the order of their first rows.
struct RowsByUser {
  std::vector<int32_t> users;
  std::vector<size_t> offsets;  // [users of the table + 1]
  std::vector<uint32_t> rows;

  uint32_t FirstRow(int32_t user) const { return rows[offsets[static_cast<size_t>(user)]]; }
};

// `row_at(i)` is the i-th row of all.
template <class RowAt>
RowsByUser GroupRows(const Interactions& interactions, const RowAt& row_at) {
  OPENP5_CHECK(interactions.size() <= UINT32_MAX);
  RowsByUser groups;
  groups.offsets.assign(static_cast<size_t>(interactions.users.size()) + 1, 0);
  for (const int32_t user : interactions.user) ++groups.offsets[static_cast<size_t>(user) + 1];
  std::partial_sum(groups.offsets.begin(), groups.offsets.end(), groups.offsets.begin());
  groups.rows.resize(interactions.size());
  std::vector<size_t> next(groups.offsets.begin(), groups.offsets.end() - 1);
  for (size_t i = 0; i < interactions.size(); ++i) {
    const auto row = static_cast<size_t>(row_at(i));
    const auto user = static_cast<size_t>(interactions.user[row]);
    if (next[user] == groups.offsets[user]) groups.users.push_back(interactions.user[row]);
    groups.rows[next[user]++] = static_cast<uint32_t>(row);
  }
  return groups;
}

RowsByUser SortAsNumpy(const Interactions& interactions) {
  const std::vector<int64_t> sorted = NumpyArgsort(interactions.time);
  return GroupRows(interactions, [&](size_t i) { return sorted[i]; });
}

// The same as a stable sort of all rows, in less memory.
RowsByUser SortStably(const Interactions& interactions) {
  RowsByUser groups = GroupRows(interactions, [](size_t i) { return i; });
  const auto earlier = [&](uint32_t a, uint32_t b) {
    return interactions.time[a] < interactions.time[b];
  };
  const auto at = [&](size_t offset) {
    return groups.rows.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  for (size_t user = 0; user + 1 < groups.offsets.size(); ++user) {
    std::stable_sort(at(groups.offsets[user]), at(groups.offsets[user + 1]), earlier);
  }
  std::sort(groups.users.begin(), groups.users.end(), [&](int32_t a, int32_t b) {
    const uint32_t row_a = groups.FirstRow(a), row_b = groups.FirstRow(b);
    return std::pair(interactions.time[row_a], row_a) < std::pair(interactions.time[row_b], row_b);
  });
  return groups;
}

}  // namespace

OrderedSequences OrderSequences(const Interactions& interactions, SequenceOrder order,
                                TieOrder ties) {
  RowsByUser groups =
      ties == TieOrder::kNumpy ? SortAsNumpy(interactions) : SortStably(interactions);
  // Users are numbered in order of first appearance in the file.
  if (order == SequenceOrder::kPerUser) std::sort(groups.users.begin(), groups.users.end());
  OrderedSequences result;
  result.users = std::move(groups.users);
  result.items.reserve(interactions.size());
  for (const int32_t user : result.users) {
    for (size_t i = groups.offsets[static_cast<size_t>(user)];
         i < groups.offsets[static_cast<size_t>(user) + 1]; ++i) {
      result.items.push_back(interactions.item[groups.rows[i]]);
    }
    result.offsets.push_back(result.items.size());
  }
  return result;
}

}  // namespace openp5::datasets

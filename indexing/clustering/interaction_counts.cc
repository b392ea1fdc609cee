#include "indexing/clustering/interaction_counts.h"

#include <algorithm>
#include <numeric>

namespace openp5::indexing {

SparseRows SparseRows::Transposed(size_t column_count) const {
  SparseRows result;
  result.offsets.assign(column_count + 1, 0);
  for (const int32_t column : columns) ++result.offsets[column + 1];
  std::partial_sum(result.offsets.begin(), result.offsets.end(), result.offsets.begin());
  result.columns.resize(columns.size());
  result.values.resize(values.size());
  std::vector<size_t> next(result.offsets.begin(), result.offsets.end() - 1);
  for (size_t row = 0; row < rows(); ++row) {
    for (size_t k = offsets[row]; k < offsets[row + 1]; ++k) {
      const size_t at = next[columns[k]]++;
      result.columns[at] = static_cast<int32_t>(row);
      result.values[at] = values[k];
    }
  }
  return result;
}

GroupCutter::GroupCutter(const InteractionCounts& whole)
    : whole_(whole), slot_(whole.by_user.rows(), -1) {}

InteractionCounts GroupCutter::Cut(std::span<const int32_t> items) {
  const SparseRows& all = whole_.by_item;
  std::vector<int32_t> touched;  // users in order of first appearance
  std::vector<int32_t> distinct;
  for (const int32_t item : items) {
    for (size_t k = all.offsets[item]; k < all.offsets[item + 1]; ++k) {
      int32_t& slot = slot_[all.columns[k]];
      if (slot < 0) {
        slot = static_cast<int32_t>(touched.size());
        touched.push_back(all.columns[k]);
        distinct.push_back(0);
      }
      ++distinct[slot];
    }
  }
  int32_t kept = 0;
  for (size_t i = 0; i < touched.size(); ++i) slot_[touched[i]] = distinct[i] > 1 ? kept++ : -1;

  InteractionCounts group;
  for (const int32_t item : items) {
    for (size_t k = all.offsets[item]; k < all.offsets[item + 1]; ++k) {
      const int32_t slot = slot_[all.columns[k]];
      if (slot < 0) continue;
      group.by_item.columns.push_back(slot);
      group.by_item.values.push_back(all.values[k]);
    }
    group.by_item.EndRow();
  }
  group.by_user = group.by_item.Transposed(kept);
  for (const int32_t user : touched) slot_[user] = -1;
  return group;
}

namespace {

// Union-find with path halving; the smallest member represents a set.
class DisjointSets {
 public:
  explicit DisjointSets(size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  int32_t Find(int32_t x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  void Join(int32_t a, int32_t b) {
    a = Find(a);
    b = Find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<int32_t> parent_;
};

}  // namespace

Components FindComponents(const InteractionCounts& counts) {
  DisjointSets sets(counts.item_count());
  const SparseRows& users = counts.by_user;
  for (size_t user = 0; user < users.rows(); ++user) {
    for (size_t k = users.offsets[user] + 1; k < users.offsets[user + 1]; ++k) {
      sets.Join(users.columns[k - 1], users.columns[k]);
    }
  }
  Components components;
  components.of_item.assign(counts.item_count(), -1);
  for (size_t item = 0; item < counts.item_count(); ++item) {
    if (counts.by_item.IsEmpty(item)) continue;
    const int32_t first = sets.Find(static_cast<int32_t>(item));
    if (first == static_cast<int32_t>(item)) {
      components.of_item[item] = static_cast<int32_t>(components.sizes.size());
      components.sizes.push_back(0);
    } else {
      components.of_item[item] = components.of_item[first];
    }
    ++components.sizes[components.of_item[item]];
  }
  return components;
}

}  // namespace openp5::indexing

#ifndef OPENP5_INDEXING_CLUSTERING_INTERACTION_COUNTS_H_
#define OPENP5_INDEXING_CLUSTERING_INTERACTION_COUNTS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace openp5::indexing {

// Sparse rows: row r holds columns[k] with values[k] for k in [offsets[r], offsets[r + 1]).
struct SparseRows {
  std::vector<size_t> offsets{0};
  std::vector<int32_t> columns;
  std::vector<float> values;

  size_t rows() const { return offsets.size() - 1; }
  bool IsEmpty(size_t row) const { return offsets[row] == offsets[row + 1]; }
  void EndRow() { offsets.push_back(columns.size()); }
  // The same entries with rows and columns exchanged; entries of a row ascend.
  SparseRows Transposed(size_t column_count) const;
};

// How often each user interacted with each of a group of items, C, held by user and by item. Only
// users of two or more different items of the group are kept: others say nothing of co-occurrence.
// The co-occurrence A = C'C without its diagonal is never formed: one history of length n would
// fill n^2 of it, while a product with C'C costs twice the entries of C.
// Immutable after construction. Memory: 16 bytes an entry.
struct InteractionCounts {
  SparseRows by_user;  // [users] x items
  SparseRows by_item;  // [items] x users

  size_t item_count() const { return by_item.rows(); }
};

// Cuts groups of items out of a whole. Not thread-safe (it keeps scratch space).
class GroupCutter {
 public:
  // `whole` must outlive this object.
  explicit GroupCutter(const InteractionCounts& whole);
  // Item i of the result is items[i] of the whole. Costs the entries of `items`.
  InteractionCounts Cut(std::span<const int32_t> items);

 private:
  const InteractionCounts& whole_;
  std::vector<int32_t> slot_;  // [users of the whole] -1 between calls
};

// Connected components of a group's co-occurrence graph.
struct Components {
  std::vector<int32_t> of_item;  // [items] numbered by smallest item; -1: co-occurs with nothing
  std::vector<int32_t> sizes;    // [components]
};
Components FindComponents(const InteractionCounts& counts);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_CLUSTERING_INTERACTION_COUNTS_H_

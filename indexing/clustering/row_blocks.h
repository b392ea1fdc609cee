#ifndef OPENP5_INDEXING_CLUSTERING_ROW_BLOCKS_H_
#define OPENP5_INDEXING_CLUSTERING_ROW_BLOCKS_H_

#include <algorithm>
#include <cstddef>

#include "platform/base/parallel.h"

namespace openp5::indexing {

// The rows [0, rows) of a matrix in blocks of `block_rows`, the last one shorter. Sums that are
// taken block by block, in order, depend on `block_rows` (to rounding), not on the thread count.
struct RowBlocks {
  using Index = std::ptrdiff_t;  // Eigen's

  Index rows = 0;
  Index block_rows = 1;

  Index count() const { return (rows + block_rows - 1) / block_rows; }

  // Calls body(block, first row, rows) for every block, in parallel.
  template <class Body>
  void ForEach(const Body& body) const {
    ParallelFor(static_cast<size_t>(count()), [&](size_t number) {
      const Index block = static_cast<Index>(number);
      const Index first = block * block_rows;
      body(block, first, std::min(block_rows, rows - first));
    });
  }
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_CLUSTERING_ROW_BLOCKS_H_

#include <numeric>

#include "indexing/indexers.h"
#include "platform/base/random.h"

namespace openp5::indexing {

// All items in an order drawn from the seed alone. (OpenP5 shuffles a hash-ordered set: its shipped
// maps cannot be drawn again, only imported.)
absl::StatusOr<std::vector<Assignment>> RandomIdentifiers(const datasets::SequenceDataset& dataset,
                                                          const IndexParameters& parameters) {
  std::vector<int32_t> order(dataset.item_count());
  std::iota(order.begin(), order.end(), 0);
  Random random(static_cast<uint64_t>(parameters.seed));
  random.Shuffle(std::span(order));
  return NumberItems(order);
}

}  // namespace openp5::indexing

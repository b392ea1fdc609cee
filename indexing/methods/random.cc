#include "platform/base/random.h"

#include <numeric>

#include "indexing/index_methods.h"

namespace openp5::indexing {
namespace {

// All items in an order drawn from the seed alone. (OpenP5 shuffles a hash-ordered set: its shipped
// maps cannot be drawn again, only imported.)
absl::StatusOr<Assignments> Build(const datasets::SequenceDataset& dataset, const OptionGroup&,
                                  int64_t seed) {
  std::vector<int32_t> order(static_cast<size_t>(dataset.item_count()));
  std::iota(order.begin(), order.end(), 0);
  Random random(static_cast<uint64_t>(seed));
  random.Shuffle(std::span(order));
  return NumberItems(order);
}

}  // namespace

IndexMethod RandomMethod() {
  return {.make_options = MakeOptionGroup<NoOptions>,
          .key = [](const OptionGroup&) { return std::vector<std::string>(); },
          .is_seeded = [](const OptionGroup&) { return true; },
          .build = Build,
          .is_identifier = IsNumber,
          .example = "1001"};
}

}  // namespace openp5::indexing

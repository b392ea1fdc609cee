#include "datasets/statistics.h"

#include <algorithm>

namespace openp5::datasets {
namespace {

std::vector<ItemCount> MostFrequent(const SequenceDataset& dataset, int64_t wanted) {
  std::vector<ItemCount> counts(static_cast<size_t>(dataset.item_count()));
  for (int32_t item = 0; item < dataset.item_count(); ++item) {
    counts[static_cast<size_t>(item)].item = item;
  }
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    for (const int32_t item : dataset.Sequence(user)) ++counts[static_cast<size_t>(item)].count;
  }
  const auto kept = std::min(static_cast<int64_t>(counts.size()), wanted);
  std::partial_sort(counts.begin(), counts.begin() + kept, counts.end(),
                    [](const ItemCount& a, const ItemCount& b) {
                      return a.count != b.count ? a.count > b.count : a.item < b.item;
                    });
  counts.resize(static_cast<size_t>(kept));
  return counts;
}

// `lengths` ascending, not empty.
std::vector<LengthRange> RangesOf(const std::vector<int64_t>& lengths) {
  std::vector<LengthRange> ranges;
  auto begin = lengths.begin();
  for (int64_t to = 2; begin != lengths.end(); to *= 2) {
    const auto end = std::upper_bound(begin, lengths.end(), to);
    if (end != begin || !ranges.empty()) {
      ranges.push_back({.from = to / 2 + 1, .to = to, .users = end - begin});
    }
    begin = end;
  }
  return ranges;
}

}  // namespace

DatasetStatistics ComputeStatistics(const SequenceDataset& dataset, int64_t top_items) {
  std::vector<int64_t> lengths;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    lengths.push_back(static_cast<int64_t>(dataset.Sequence(user).size()));
  }
  std::sort(lengths.begin(), lengths.end());
  const auto users = static_cast<double>(dataset.user_count());
  const auto interactions = static_cast<double>(dataset.interaction_count());
  const size_t half = lengths.size() / 2;
  const int64_t lower_middle = lengths[lengths.size() % 2 == 0 ? half - 1 : half];
  return {.users = dataset.user_count(),
          .items = dataset.item_count(),
          .interactions = dataset.interaction_count(),
          .sparsity = 100 * (1 - interactions / users / dataset.item_count()),
          .shortest = lengths.front(),
          .longest = lengths.back(),
          .median_length = static_cast<double>(lower_middle + lengths[half]) / 2,
          .mean_length = interactions / users,
          .length_ranges = RangesOf(lengths),
          .top_items = MostFrequent(dataset, top_items)};
}

}  // namespace openp5::datasets

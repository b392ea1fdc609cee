#ifndef OPENP5_DATASETS_STATISTICS_H_
#define OPENP5_DATASETS_STATISTICS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sequences.h"

namespace openp5::datasets {

struct ItemCount {
  int32_t item = 0;
  int64_t count = 0;
};

// How many users have from `from` to `to` items, both included.
struct LengthRange {
  int64_t from = 0, to = 0, users = 0;

  bool operator==(const LengthRange&) const = default;
};

// What `dataset inspect` tells of a dataset.
struct DatasetStatistics {
  int64_t users = 0, items = 0, interactions = 0;
  double sparsity = 0;  // percent of the pairs of a user and an item that are no interaction
  int64_t shortest = 0, longest = 0;
  double median_length = 0, mean_length = 0;  // items a user; median of an even count: the middle
  // Ranges 3 to 4, 5 to 8, 9 to 16, …: from that of the shortest sequence to that of the longest,
  // those without users included.
  std::vector<LengthRange> length_ranges;
  std::vector<ItemCount> top_items;  // most frequent first; ties: lower number first
};

DatasetStatistics ComputeStatistics(const SequenceDataset& dataset, int64_t top_items);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_STATISTICS_H_

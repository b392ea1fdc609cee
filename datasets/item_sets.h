#ifndef OPENP5_DATASETS_ITEM_SETS_H_
#define OPENP5_DATASETS_ITEM_SETS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "datasets/sequences.h"

namespace openp5::datasets {

// The distinct items of `items`, ascending.
std::vector<int32_t> DistinctItems(std::span<const int32_t> items);

// How often the training parts hold each item [items].
std::vector<int64_t> TrainingCounts(const SequenceDataset& dataset);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_ITEM_SETS_H_

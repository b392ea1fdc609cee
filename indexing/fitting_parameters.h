#ifndef OPENP5_INDEXING_FITTING_PARAMETERS_H_
#define OPENP5_INDEXING_FITTING_PARAMETERS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "datasets/sequences.h"
#include "indexing/item_index.h"

namespace openp5::indexing {

// Which of the parameters that OpenP5's scripts and files use would give `datasets` together a
// number of added tokens that `fits`: the trace a lost item index leaves in a model's embedding.
// Builds the indexes (seconds for ten thousand items). Parameters that cannot be built for a
// dataset are left out; of those without added tokens only the defaults of sequential and random
// are named. Several may fit.
std::vector<IndexParameters> FindFittingParameters(
    const std::vector<datasets::SequenceDataset>& datasets,
    const std::function<bool(int64_t added_tokens)>& fits);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_FITTING_PARAMETERS_H_

#include "datasets/raw_dataset.h"

#include "datasets/movielens.h"

namespace openp5::datasets {

absl::Status RegisterBuiltinDatasets(Registry<DatasetPreset>* registry) {
  return registry->Register("ml-100k", MovieLens100K());
}

}  // namespace openp5::datasets

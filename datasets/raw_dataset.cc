#include "datasets/raw_dataset.h"

#include "datasets/lastfm.h"
#include "datasets/movielens.h"
#include "datasets/taobao.h"

namespace openp5::datasets {

absl::Status RegisterBuiltinDatasets(Registry<DatasetPreset>* registry) {
  OPENP5_RETURN_IF_ERROR(registry->Register("lastfm", LastFm()));
  OPENP5_RETURN_IF_ERROR(registry->Register("ml-100k", MovieLens100K()));
  OPENP5_RETURN_IF_ERROR(registry->Register("ml-1m", MovieLens1M()));
  return registry->Register("taobao", Taobao());
}

}  // namespace openp5::datasets

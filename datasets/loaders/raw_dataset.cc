#include "datasets/loaders/raw_dataset.h"

#include "datasets/loaders/amazon.h"
#include "datasets/loaders/lastfm.h"
#include "datasets/loaders/movielens.h"
#include "datasets/loaders/taobao.h"
#include "datasets/loaders/yelp.h"

namespace openp5::datasets {

absl::Status RegisterBuiltinDatasets(Registry<DatasetPreset>* registry) {
  for (const auto& [name, preset] : {std::pair("beauty", AmazonBeauty()),
                                     {"cds", AmazonCds()},
                                     {"clothing", AmazonClothing()},
                                     {"electronics", AmazonElectronics()},
                                     {"lastfm", LastFm()},
                                     {"ml-100k", MovieLens100K()},
                                     {"ml-1m", MovieLens1M()},
                                     {"movies", AmazonMovies()},
                                     {"taobao", Taobao()},
                                     {"yelp", Yelp()},
                                     {"yelp-2019", Yelp2019()}}) {
    OPENP5_RETURN_IF_ERROR(registry->Register(name, preset));
  }
  return absl::OkStatus();
}

}  // namespace openp5::datasets

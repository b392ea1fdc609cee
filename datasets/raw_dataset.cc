#include "datasets/raw_dataset.h"

#include "datasets/amazon.h"
#include "datasets/lastfm.h"
#include "datasets/movielens.h"
#include "datasets/taobao.h"
#include "datasets/yelp.h"

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

#ifndef OPENP5_DATASETS_LOADERS_MOVIELENS_H_
#define OPENP5_DATASETS_LOADERS_MOVIELENS_H_

#include <string>

#include "datasets/loaders/raw_dataset.h"

namespace openp5::datasets {

// MovieLens 100K (Harper and Konstan, ACM TiiS 5(4):19, 2015) from ml-100k.zip, unpacked or not:
// every rating of `u.data` is an interaction; titles, release dates and genres come from `u.item`
// and `u.genre`, both optional (a warning says so). Failures: NotFound names what was sought;
// InvalidArgument names file and line, what was expected and what stands there.
DatasetPreset MovieLens100K();

// MovieLens 1M from ml-1m.zip likewise: ratings.dat, and titles and genres from movies.dat.
DatasetPreset MovieLens1M();

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_MOVIELENS_H_

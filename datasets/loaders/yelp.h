#ifndef OPENP5_DATASETS_LOADERS_YELP_H_
#define OPENP5_DATASETS_LOADERS_YELP_H_

#include "datasets/loaders/raw_dataset.h"

namespace openp5::datasets {

// Yelp Open Dataset, release of 2022, from Yelp-JSON.zip, its tar, or its unpacked files: every
// review is an interaction, repeats included; names, cities and categories from the businesses.
// OpenP5's rule is unpublished and inferred. Another release is recognised and named.
DatasetPreset Yelp();

// The reviews of 2019 as S3-Rec (arXiv 2008.07873) and P5 take them, of the release of 2020: 30,431
// users, 20,033 items, 316,354 interactions there. Not OpenP5's.
DatasetPreset Yelp2019();

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_YELP_H_

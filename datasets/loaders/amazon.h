#ifndef OPENP5_DATASETS_LOADERS_AMAZON_H_
#define OPENP5_DATASETS_LOADERS_AMAZON_H_

#include <string>

#include "datasets/loaders/raw_dataset.h"

namespace openp5::datasets {

// Amazon product data of 2014 (He and McAuley, WWW 2016; McAuley et al., SIGIR 2015), one category:
// `ratings_X.csv` or `reviews_X_5.json.gz` (both accepted, alone or in a folder), every row an
// interaction; titles, brands, prices and categories from `meta_X.json.gz`, if it is there.
// Beauty came to OpenP5 through S3-Rec and P5: from the reviews, in order per user.
DatasetPreset AmazonBeauty();
DatasetPreset AmazonClothing();
DatasetPreset AmazonCds();
DatasetPreset AmazonMovies();
DatasetPreset AmazonElectronics();

// `text` with HTML's numeric and five basic named character references replaced.
std::string DecodeHtmlEntities(std::string_view text);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_AMAZON_H_

// Reviews and businesses, cut from one input.
#include "datasets/loaders/yelp.h"
#include "tests/fuzz/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openp5::fuzz::LoadParts(
      openp5::datasets::Yelp(), openp5::fuzz::Text(data, size),
      {"yelp_academic_dataset_review.json", "yelp_academic_dataset_business.json"});
  return 0;
}

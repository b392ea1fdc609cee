// Reviews or ratings, whichever the first line shows, and metadata of one category, cut from one
// input.
#include "datasets/loaders/amazon.h"
#include "tests/fuzz/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openp5::fuzz::LoadParts(openp5::datasets::AmazonBeauty(), openp5::fuzz::Text(data, size),
                          {"reviews_Beauty_5.json", "meta_Beauty.json"});
  return 0;
}

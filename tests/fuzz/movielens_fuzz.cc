// u.data, u.genre and u.item of ml-100k, ratings.dat and movies.dat of ml-1m, cut from one input.
#include "datasets/loaders/movielens.h"
#include "tests/fuzz/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input = openp5::fuzz::Text(data, size);
  const std::vector<std::string> names = {"u.data", "u.genre", "u.item", "ratings.dat",
                                          "movies.dat"};
  openp5::fuzz::LoadParts(openp5::datasets::MovieLens100K(), input, names);
  openp5::fuzz::LoadParts(openp5::datasets::MovieLens1M(), input, names);
  return 0;
}

// The taggings and the artists of HetRec's Last.fm, cut from one input.
#include "datasets/loaders/lastfm.h"
#include "tests/fuzz/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openp5::fuzz::LoadParts(openp5::datasets::LastFm(), openp5::fuzz::Text(data, size),
                          {"user_taggedartists-timestamps.dat", "artists.dat"});
  return 0;
}

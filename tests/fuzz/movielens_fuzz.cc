// u.data, u.item and u.genre of ml-100k, cut from one input.
#include "datasets/movielens.h"
#include "platform/base/log.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using openp5::fuzz::Part;
  openp5::SetQuiet(true);
  const std::string_view input = openp5::fuzz::Text(data, size);
  openp5::fuzz::WriteInput("u.data", Part(input, 0, 3));
  openp5::fuzz::WriteInput("u.genre", Part(input, 1, 3));
  openp5::fuzz::WriteInput("u.item", Part(input, 2, 3));
  const auto raw = openp5::datasets::MovieLens100K().load({.raw = openp5::fuzz::Folder()});
  openp5::fuzz::ExpectMessage(raw.status());
  return 0;
}

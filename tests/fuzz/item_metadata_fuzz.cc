#include "datasets/sequences.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openp5::fuzz::WriteInput("item_metadata.jsonl", openp5::fuzz::Text(data, size));
  openp5::fuzz::ExpectMessage(openp5::datasets::ReadItemTitles(openp5::fuzz::Folder()).status());
  return 0;
}

#include "datasets/loaders/taobao.h"
#include "tests/fuzz/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openp5::fuzz::LoadParts(openp5::datasets::Taobao(), openp5::fuzz::Text(data, size),
                          {"UserBehavior.csv"});
  return 0;
}

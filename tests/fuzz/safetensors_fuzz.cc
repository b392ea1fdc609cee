#include "platform/tensor/safetensors.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path =
      openp5::fuzz::WriteInput("model.safetensors", openp5::fuzz::Text(data, size));
  openp5::fuzz::ExpectMessage(openp5::ReadSafetensors(path).status());
  return 0;
}

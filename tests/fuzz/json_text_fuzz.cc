#include "checkpoints/json_text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json = openp5::checkpoints::ParseJson(openp5::fuzz::Text(data, size), "f");
  openp5::fuzz::ExpectMessage(json.status());
  if (!json.ok()) return 0;
  int64_t count = 0;
  if (openp5::checkpoints::ReadCount(*json, &count)) {
    openp5::fuzz::Expect(count >= 0, "a count is not negative");
  }
  return 0;
}

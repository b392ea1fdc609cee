#include "checkpoints/stored_zip.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto zip = openp5::checkpoints::StoredZip::Open(openp5::fuzz::Text(data, size), "f");
  openp5::fuzz::ExpectMessage(zip.status());
  if (!zip.ok()) return 0;
  size_t total = 0;
  for (const auto& [name, record] : zip->records()) {
    const auto content = zip->Read(name);
    openp5::fuzz::ExpectMessage(content.status());
    if (content.ok()) total += content->size();
  }
  openp5::fuzz::Expect(total <= size, "all records together are no longer than the archive");
  return 0;
}

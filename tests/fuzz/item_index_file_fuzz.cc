#include "indexing/item_index.h"
#include "tests/fuzz/fuzz.h"

namespace {

void Read(std::string_view bytes) {
  const auto indexes =
      openp5::indexing::ReadItemIndexFile(openp5::fuzz::WriteInput("items.index", bytes));
  openp5::fuzz::ExpectMessage(indexes.status());
  if (!indexes.ok()) return;
  for (const openp5::indexing::ItemIndex& index : *indexes) {
    index.Digest();
    index.AddedTokens();
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  openp5::fuzz::ReadWithDigest(openp5::fuzz::Text(data, size), Read);
  return 0;
}

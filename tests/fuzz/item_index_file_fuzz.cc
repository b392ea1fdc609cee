#include "indexing/item_index.h"
#include "platform/base/digest.h"
#include "platform/base/status.h"
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
  const std::string_view bytes = openp5::fuzz::Text(data, size);
  Read(bytes);
  // Behind the digest at the end, which no invented bytes have right.
  Read(openp5::StrCat(bytes, openp5::Sha256Of(bytes)));
  return 0;
}

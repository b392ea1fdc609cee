// OpenP5's item and user files, cut from one input.
#include "indexing/item_index.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto dataset =
      *openp5::datasets::SequenceDataset::Parse("F", "u a b c\nv c b a\n", "f");
  const std::string_view input = openp5::fuzz::Text(data, size);
  const std::string items = openp5::fuzz::WriteInput("items.txt", openp5::fuzz::Part(input, 0, 2));
  const std::string users = openp5::fuzz::WriteInput("users.txt", openp5::fuzz::Part(input, 1, 2));
  const auto index = openp5::indexing::ImportOpenP5Index(
      dataset, openp5::indexing::IndexParameters("random"), items, users);
  openp5::fuzz::ExpectMessage(index.status());
  if (index.ok()) {
    openp5::fuzz::Expect(index->IdentifiersFor(dataset).ok(), "an imported index is complete");
    openp5::fuzz::Expect(index->UserNumbersFor(dataset).ok(), "every user has a number");
  }
  return 0;
}

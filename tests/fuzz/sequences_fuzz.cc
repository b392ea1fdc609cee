#include "datasets/sequences.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using openp5::fuzz::Expect;
  const auto dataset =
      openp5::datasets::SequenceDataset::Parse("F", openp5::fuzz::Text(data, size), "f");
  openp5::fuzz::ExpectMessage(dataset.status());
  if (!dataset.ok()) return 0;
  int64_t interactions = 0;
  for (int32_t user = 0; user < dataset->user_count(); ++user) {
    interactions += static_cast<int64_t>(dataset->Sequence(user).size());
    Expect(!dataset->TrainPart(user).empty(), "a user has an item to train on");
    Expect(dataset->FindUser(dataset->UserId(user)) == user, "a user is found by his id");
    for (const int32_t item : dataset->Sequence(user)) {
      Expect(dataset->FindItem(dataset->ItemId(item)) == item, "an item is found by its id");
    }
  }
  Expect(interactions == dataset->interaction_count(), "sequences hold all interactions");
  return 0;
}

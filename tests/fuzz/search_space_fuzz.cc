#include "platform/config/search_space.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using openp5::SearchSpace;
  const auto space = SearchSpace::Parse(openp5::fuzz::Text(data, size), "sweep.ini");
  openp5::fuzz::ExpectMessage(space.status());
  if (!space.ok()) return 0;
  for (const int64_t count : {0, 5}) {
    const auto trials = space->Trials(count, /*seed=*/1);
    openp5::fuzz::ExpectMessage(trials.status());
    if (!trials.ok()) continue;
    openp5::fuzz::Expect(!trials->empty(), "there is a trial");
    for (const SearchSpace::Trial& trial : *trials) {
      openp5::fuzz::Expect(trial.size() == trials->front().size(), "a trial has every option");
    }
  }
  return 0;
}

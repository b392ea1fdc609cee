#include "datasets/prompts.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto prompts = openp5::datasets::PromptSet::Parse(openp5::fuzz::Text(data, size), "f");
  openp5::fuzz::ExpectMessage(prompts.status());
  if (!prompts.ok()) return 0;
  for (const openp5::datasets::PromptTemplate& prompt : prompts->templates()) {
    openp5::datasets::FillPrompt(
        prompt.input,
        {.dataset = "F", .user = "{user_id}", .history = "{target}", .target = "{history}"});
    openp5::fuzz::ExpectMessage(prompts->Find(prompt.task, prompt.output).status());
  }
  return 0;
}

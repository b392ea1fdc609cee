#include "datasets/loaders/python_literal.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value = openp5::datasets::ParsePythonLiteral(openp5::fuzz::Text(data, size));
  openp5::fuzz::ExpectMessage(value.status());
  // Throws for text that is not UTF-8.
  if (value.ok()) openp5::fuzz::Expect(!value->dump().empty(), "a literal can be written");
  return 0;
}

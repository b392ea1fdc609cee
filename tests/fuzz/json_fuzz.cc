#include <algorithm>

#include "platform/base/json.h"
#include "tests/fuzz/fuzz.h"

namespace {

int DepthOf(const nlohmann::json& value) {
  int deepest = 0;
  if (!value.is_structured()) return 0;
  for (const auto& member : value) deepest = std::max(deepest, DepthOf(member));
  return deepest + 1;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using openp5::fuzz::Expect;
  const std::string_view text = openp5::fuzz::Text(data, size);
  const auto json = openp5::ParseJson(text, "f");
  const auto ordered = openp5::ParseJson<nlohmann::ordered_json>(text, "f");
  openp5::fuzz::ExpectMessage(json.status());
  Expect(json.status() == ordered.status(), "order changes nothing that is refused");
  if (!json.ok()) return 0;
  Expect(DepthOf(*json) <= openp5::kMaximumJsonDepth, "nesting is limited");
  Expect(nlohmann::json(*ordered) == *json, "order is the only difference");
  const auto again = openp5::ParseJson(openp5::DumpJson(*json), "f");
  Expect(again.ok() && *again == *json, "what is written is read again");
  Expect(openp5::JsonExcerpt(*json).size() <= 103, "an excerpt is short");
  int64_t count = 0;
  if (openp5::ReadCount(*json, &count)) Expect(count >= 0, "a count is not negative");
  return 0;
}

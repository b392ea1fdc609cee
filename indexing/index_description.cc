#include "indexing/index_description.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "indexing/index_inputs.h"
#include "platform/base/log.h"

namespace openp5::indexing {
namespace {

using nlohmann::json;

// Tokens of an identifier such as "<CI3><CI8>", digits of a number.
int64_t TokenCount(const std::string& identifier) {
  const auto tokens = std::count(identifier.begin(), identifier.end(), '<');
  return tokens > 0 ? tokens : static_cast<int64_t>(identifier.size());
}

}  // namespace

json Describe(const ItemIndex& index) {
  int64_t total = 0, longest = 0, shortest = index.identifiers().empty() ? 0 : INT64_MAX;
  for (const std::string& identifier : index.identifiers()) {
    const int64_t length = TokenCount(identifier);
    total += length;
    longest = std::max(longest, length);
    shortest = std::min(shortest, length);
  }
  const size_t items = index.item_ids().size();
  const auto added = index.AddedTokens();
  json examples = json::array();
  for (size_t i = 0; i < std::min<size_t>(items, 3); ++i) {
    examples.push_back({{"item", index.item_ids()[i]}, {"identifier", index.identifiers()[i]}});
  }
  json described = {
      {"dataset", index.dataset_name()},
      {"index", index.parameters().Key()},
      {"items", items},
      {"users", index.user_ids().size()},
      {"identifier_length",
       {{"unit", added.empty() ? "digits" : "tokens"},
        {"shortest", shortest},
        {"mean", items > 0 ? static_cast<double>(total) / static_cast<double>(items) : 0.0},
        {"longest", longest}}},
      {"added_tokens", added.size()},
      {"examples", examples},
      {"dataset_digest", index.dataset_digest()},
      {"index_digest", index.Digest()}};
  WriteInputs(index.inputs(), &described);
  return described;
}

std::string DescriptionText(const json& described) {
  const auto text = [](const json& value) { return OneLine(value.get<std::string>()); };
  const json& length = described["identifier_length"];
  std::string lines = absl::StrFormat(
      "%s %s\n"
      "  items           %d\n"
      "  users           %d\n"
      "  identifiers     %d to %d %s, mean %.2f\n"
      "  added tokens    %d\n",
      text(described["dataset"]), text(described["index"]), described["items"].get<int64_t>(),
      described["users"].get<int64_t>(), length["shortest"].get<int64_t>(),
      length["longest"].get<int64_t>(), length["unit"].get<std::string>(),
      length["mean"].get<double>(), described["added_tokens"].get<int64_t>());
  for (const json& example : described["examples"]) {
    absl::StrAppendFormat(&lines, "  example         %s -> %s\n", text(example["item"]),
                          text(example["identifier"]));
  }
  absl::StrAppendFormat(&lines, "  dataset digest  %s\n  index digest    %s\n",
                        text(described["dataset_digest"]), text(described["index_digest"]));
  const json inputs = described.value("inputs", json::object());
  for (const auto& [name, digest] : inputs.items()) {
    absl::StrAppendFormat(&lines, "  input           %s %s\n", OneLine(name), text(digest));
  }
  return lines;
}

}  // namespace openp5::indexing

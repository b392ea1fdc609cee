#include "indexing/index_inputs.h"

#include <nlohmann/json.hpp>

#include "platform/base/json.h"

namespace openp5::indexing {
namespace {

constexpr char kName[] = "inputs";

}  // namespace

void WriteInputs(const std::map<std::string, std::string>& inputs, nlohmann::json* json) {
  if (!inputs.empty()) (*json)[kName] = inputs;
}

absl::Status ReadInputs(const nlohmann::json& json, std::map<std::string, std::string>* inputs) {
  const auto found = json.find(kName);
  if (found == json.end()) return absl::OkStatus();
  for (const auto& [name, digest] : found->items()) {
    if (!found->is_object() || !digest.is_string()) {
      return DataLoss("inputs: expected an object of digests, got ", JsonExcerpt(*found));
    }
    inputs->emplace(name, digest.get<std::string>());
  }
  return absl::OkStatus();
}

}  // namespace openp5::indexing

#ifndef OPENP5_PLATFORM_MODELS_FAMILIES_H_
#define OPENP5_PLATFORM_MODELS_FAMILIES_H_

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/status.h"
#include "platform/models/common/language_model.h"
#include "platform/models/families.h"
#include "platform/registry/registry.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::models {

// Everything the program needs to know of a family of language models: a folder beside this file.
// `config` is Hugging Face's config.json.
struct ModelFamily {
  std::vector<std::string> types;  // `model_type` of its configs
  // Random weights; what the family's own Create says.
  absl::StatusOr<std::unique_ptr<LanguageModel>> (*create)(const nlohmann::json& config,
                                                           uint64_t seed);
  // From a state dict; what the family's own FromStateDict says. `type`, Float or BFloat16: what
  // weights that are not trained may be kept in; families that keep float32 ignore it.
  absl::StatusOr<std::unique_ptr<LanguageModel>> (*load)(const nlohmann::json& config,
                                                         NamedTensors weights,
                                                         c10::ScalarType type);
  // Numbers in all parameters of a model of that shape.
  absl::StatusOr<int64_t> (*count)(const nlohmann::json& config);
  // Shapes by name; their vocab_size is the published one.
  std::vector<std::pair<std::string, nlohmann::json>> (*presets)();
  bool keeps_float32 = false;    // its weights are always float32
  bool has_begin_token = false;  // its config names the token that a text begins with
};

// Numbers in all parameters that `weights`.ForEach(config, …) visits.
template <class Weights, class Config>
int64_t CountVisited(Weights weights, const Config& config) {
  int64_t count = 0;
  weights.ForEach(config, [&](const auto&, const std::vector<int64_t>& shape, auto&&...) {
    count += std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  });
  return count;
}

// `Config`::Presets() as ModelFamily::presets.
template <class Config>
std::vector<std::pair<std::string, nlohmann::json>> PresetsOf() {
  std::vector<std::pair<std::string, nlohmann::json>> presets;
  for (const auto& [name, config] : Config::Presets()) {
    presets.emplace_back(name, config.ToHuggingFace());
  }
  return presets;
}

// T5, and Llama with Qwen 2 and 3; under each of their types.
absl::Status RegisterModelFamilies(Registry<ModelFamily>* families);

// The family of `config`, or what it makes. NotFound, with the known types, for another.
absl::StatusOr<ModelFamily> FindFamily(const nlohmann::json& config);
absl::StatusOr<std::unique_ptr<LanguageModel>> CreateLanguageModel(const nlohmann::json& config,
                                                                   uint64_t seed);
absl::StatusOr<std::unique_ptr<LanguageModel>> LoadLanguageModel(const nlohmann::json& config,
                                                                 NamedTensors weights,
                                                                 c10::ScalarType type);
absl::StatusOr<int64_t> CountParameters(const nlohmann::json& config);

// The config.json of a shape by name: "t5-small", "llama-tiny", …. NotFound lists them.
absl::StatusOr<nlohmann::json> PresetConfig(const std::string& name);
std::vector<std::string> PresetNames();

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_FAMILIES_H_

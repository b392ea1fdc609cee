#include "platform/models/language_model.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "platform/models/config_json.h"
#include "platform/models/llama_weights.h"
#include "platform/models/t5_stack.h"

namespace openp5::models {
namespace {

using ModelOr = absl::StatusOr<std::unique_ptr<LanguageModel>>;

ModelOr CreateT5(const nlohmann::json& json, uint64_t seed) {
  OPENP5_ASSIGN_OR_RETURN(const T5Config config, T5Config::FromHuggingFace(json));
  return T5Model::Create(config, seed);
}

ModelOr LoadT5(const nlohmann::json& json, NamedTensors weights, c10::ScalarType) {
  OPENP5_ASSIGN_OR_RETURN(T5Config config, T5Config::FromHuggingFace(json));
  return T5Model::FromStateDict(config, std::move(weights));
}

ModelOr CreateLlama(const nlohmann::json& json, uint64_t seed) {
  OPENP5_ASSIGN_OR_RETURN(const LlamaConfig config, LlamaConfig::FromHuggingFace(json));
  return LlamaModel::Create(config, seed);
}

ModelOr LoadLlama(const nlohmann::json& json, NamedTensors weights, c10::ScalarType type) {
  OPENP5_ASSIGN_OR_RETURN(LlamaConfig config, LlamaConfig::FromHuggingFace(json));
  return LlamaModel::FromStateDict(config, std::move(weights), type);
}

int64_t Product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

absl::StatusOr<int64_t> CountT5(const nlohmann::json& json) {
  OPENP5_ASSIGN_OR_RETURN(const T5Config config, T5Config::FromHuggingFace(json));
  int64_t count = 0;
  T5Weights().ForEach(config,
                      [&](const auto&, const auto& shape, auto&&...) { count += Product(shape); });
  return count;
}

absl::StatusOr<int64_t> CountLlama(const nlohmann::json& json) {
  OPENP5_ASSIGN_OR_RETURN(const LlamaConfig config, LlamaConfig::FromHuggingFace(json));
  int64_t count = 0;
  LlamaWeights().ForEach(
      config, [&](const auto&, const auto& shape, auto&&...) { count += Product(shape); });
  return count;
}

absl::StatusOr<ModelFamily> FindFamily(const nlohmann::json& config) {
  if (!config.is_object()) return InvalidArgument("config.json: expected a JSON object");
  std::string type = "t5";  // what a config without the field is taken for
  OPENP5_RETURN_IF_ERROR(ReadField(config, "model_type", &type));
  Registry<ModelFamily> families("config.json: model_type");
  OPENP5_RETURN_IF_ERROR(RegisterModelFamilies(&families));
  OPENP5_ASSIGN_OR_RETURN(const ModelFamily* family, families.Find(type));
  return *family;
}

absl::StatusOr<Registry<nlohmann::json>> Presets() {
  Registry<nlohmann::json> presets("backbone preset");
  for (const auto& [name, config] : T5Config::Presets()) {
    OPENP5_RETURN_IF_ERROR(presets.Register(name, config.ToHuggingFace()));
  }
  for (const auto& [name, config] : LlamaConfig::Presets()) {
    OPENP5_RETURN_IF_ERROR(presets.Register(name, config.ToHuggingFace()));
  }
  return presets;
}

}  // namespace

absl::Status RegisterModelFamilies(Registry<ModelFamily>* families) {
  OPENP5_RETURN_IF_ERROR(families->Register("t5", {CreateT5, LoadT5, CountT5}));
  for (const char* type : {"llama", "qwen2", "qwen3"}) {
    OPENP5_RETURN_IF_ERROR(families->Register(type, {CreateLlama, LoadLlama, CountLlama}));
  }
  return absl::OkStatus();
}

NamedTensors TrainedParameters(const NamedTensors& parameters) {
  NamedTensors trained;
  for (const auto& named : parameters) {
    if (named.second.requires_grad()) trained.push_back(named);
  }
  return trained;
}

absl::StatusOr<std::unique_ptr<LanguageModel>> CreateLanguageModel(const nlohmann::json& config,
                                                                   uint64_t seed) {
  OPENP5_ASSIGN_OR_RETURN(const ModelFamily family, FindFamily(config));
  return family.create(config, seed);
}

absl::StatusOr<std::unique_ptr<LanguageModel>> LoadLanguageModel(const nlohmann::json& config,
                                                                 NamedTensors weights,
                                                                 c10::ScalarType type) {
  OPENP5_ASSIGN_OR_RETURN(const ModelFamily family, FindFamily(config));
  return family.load(config, std::move(weights), type);
}

absl::StatusOr<int64_t> CountParameters(const nlohmann::json& config) {
  OPENP5_ASSIGN_OR_RETURN(const ModelFamily family, FindFamily(config));
  return family.count(config);
}

absl::StatusOr<nlohmann::json> PresetConfig(const std::string& name) {
  OPENP5_ASSIGN_OR_RETURN(const auto presets, Presets());
  OPENP5_ASSIGN_OR_RETURN(const nlohmann::json* config, presets.Find(name));
  return *config;
}

std::vector<std::string> PresetNames() {
  const auto presets = Presets();
  OPENP5_CHECK(presets.ok());
  return presets->Names();
}

}  // namespace openp5::models

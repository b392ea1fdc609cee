#include "platform/models/families.h"

#include "platform/models/common/config_json.h"

namespace openp5::models {

// Each family, defined in its folder. A new one is a folder and a line in Families.
ModelFamily T5Family();
ModelFamily LlamaFamily();

namespace {

std::vector<ModelFamily> Families() { return {T5Family(), LlamaFamily()}; }

absl::StatusOr<Registry<nlohmann::json>> Presets() {
  Registry<nlohmann::json> presets("backbone preset");
  for (const ModelFamily& family : Families()) {
    for (auto& [name, config] : family.presets()) {
      OPENP5_RETURN_IF_ERROR(presets.Register(name, std::move(config)));
    }
  }
  return presets;
}

}  // namespace

absl::Status RegisterModelFamilies(Registry<ModelFamily>* families) {
  for (const ModelFamily& family : Families()) {
    for (const std::string& type : family.types) {
      OPENP5_RETURN_IF_ERROR(families->Register(type, family));
    }
  }
  return absl::OkStatus();
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

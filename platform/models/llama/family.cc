#include "platform/models/families.h"
#include "platform/models/llama/llama_weights.h"

namespace openp5::models {
namespace {

using ModelOr = absl::StatusOr<std::unique_ptr<LanguageModel>>;

ModelOr Create(const nlohmann::json& json, uint64_t seed) {
  OPENP5_ASSIGN_OR_RETURN(const LlamaConfig config, LlamaConfig::FromHuggingFace(json));
  return LlamaModel::Create(config, seed);
}

ModelOr Load(const nlohmann::json& json, NamedTensors weights, c10::ScalarType type) {
  OPENP5_ASSIGN_OR_RETURN(LlamaConfig config, LlamaConfig::FromHuggingFace(json));
  return LlamaModel::FromStateDict(config, std::move(weights), type);
}

absl::StatusOr<int64_t> Count(const nlohmann::json& json) {
  OPENP5_ASSIGN_OR_RETURN(const LlamaConfig config, LlamaConfig::FromHuggingFace(json));
  return CountVisited(LlamaWeights(), config);
}

}  // namespace

ModelFamily LlamaFamily() {
  return {.types = {"llama", "qwen2", "qwen3"},
          .create = Create,
          .load = Load,
          .count = Count,
          .presets = PresetsOf<LlamaConfig>,
          .has_begin_token = true};
}

}  // namespace openp5::models

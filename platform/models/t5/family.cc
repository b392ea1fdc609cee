#include "platform/models/families.h"
#include "platform/models/t5/t5_weights.h"

namespace openp5::models {
namespace {

using ModelOr = absl::StatusOr<std::unique_ptr<LanguageModel>>;

ModelOr Create(const nlohmann::json& json, uint64_t seed) {
  OPENP5_ASSIGN_OR_RETURN(const T5Config config, T5Config::FromHuggingFace(json));
  return T5Model::Create(config, seed);
}

ModelOr Load(const nlohmann::json& json, NamedTensors weights, c10::ScalarType) {
  OPENP5_ASSIGN_OR_RETURN(T5Config config, T5Config::FromHuggingFace(json));
  return T5Model::FromStateDict(config, std::move(weights));
}

absl::StatusOr<int64_t> Count(const nlohmann::json& json) {
  OPENP5_ASSIGN_OR_RETURN(const T5Config config, T5Config::FromHuggingFace(json));
  return CountVisited(T5Weights(), config);
}

}  // namespace

ModelFamily T5Family() {
  return {.types = {"t5"},
          .create = Create,
          .load = Load,
          .count = Count,
          .presets = PresetsOf<T5Config>,
          .keeps_float32 = true};
}

}  // namespace openp5::models

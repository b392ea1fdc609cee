#include "platform/models/common/language_model.h"

#include <nlohmann/json.hpp>

namespace openp5::models {

absl::Status LanguageModel::AddLora(const LoraConfig&, int64_t, Random&) {
  return absl::UnimplementedError(StrCat("expected a Llama, or another model with adapters; got a ",
                                         ToHuggingFace()["model_type"].get<std::string>()));
}

NamedTensors TrainedParameters(const NamedTensors& parameters) {
  NamedTensors trained;
  for (const auto& named : parameters) {
    if (named.second.requires_grad()) trained.push_back(named);
  }
  return trained;
}

}  // namespace openp5::models

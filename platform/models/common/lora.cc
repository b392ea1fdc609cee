#include "platform/models/common/lora.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "platform/base/json.h"
#include "platform/models/common/config_json.h"

namespace openp5::models {

const std::vector<std::string>& LoraModules() {
  static const auto* const modules =
      new std::vector<std::string>{"q_proj",  "k_proj",    "v_proj",       "o_proj", "gate_proj",
                                   "up_proj", "down_proj", "embed_tokens", "lm_head"};
  return *modules;
}

bool LoraConfig::Targets(const std::string& module) const {
  return rank > 0 &&
         std::find(target_modules.begin(), target_modules.end(), module) != target_modules.end();
}

nlohmann::json LoraConfig::ToPeft() const {
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"r", rank},
          {"lora_alpha", alpha},
          {"lora_dropout", dropout},
          {"target_modules", target_modules},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"modules_to_save", nullptr}};
}

absl::StatusOr<LoraConfig> LoraConfig::FromPeft(const nlohmann::json& json) {
  LoraConfig config;
  OPENP5_RETURN_IF_ERROR(ReadField(json, "r", &config.rank));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "lora_alpha", &config.alpha));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "lora_dropout", &config.dropout));
  OPENP5_RETURN_IF_ERROR(CheckPositive("r", config.rank));
  OPENP5_RETURN_IF_ERROR(CheckRange("lora_dropout", config.dropout, 0, 1));
  const auto targets = json.find("target_modules");
  if (targets == json.end() || !targets->is_array() || targets->empty() ||
      !std::all_of(targets->begin(), targets->end(), [](const auto& t) { return t.is_string(); })) {
    return InvalidArgument("LoRA: target_modules: expected a list of names, got ",
                           targets == json.end() ? "none" : JsonExcerpt(*targets));
  }
  config.target_modules = targets->get<std::vector<std::string>>();
  return config;
}

LoraPair MakeLoraPair(int64_t in, int64_t out, int64_t rank, bool is_embedding, Random& random) {
  LoraPair pair{at::zeros({rank, in}), at::zeros({out, rank})};
  at::Tensor& drawn = is_embedding ? pair.b : pair.a;
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  float* value = drawn.data_ptr<float>();
  for (int64_t i = 0; i < drawn.numel(); ++i) {
    value[i] =
        static_cast<float>(is_embedding ? random.Normal() : (2 * random.Uniform() - 1) * bound);
  }
  return pair;
}

}  // namespace openp5::models

#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "platform/base/json.h"
#include "platform/models/common/config_json.h"
#include "platform/models/llama/llama.h"

namespace openp5::models {
namespace {

// As ReadTokenId, and -1 for null: none.
absl::Status ReadTokenIdOrNone(const nlohmann::json& json, const char* name, int64_t* id) {
  const auto found = json.find(name);
  if (found != json.end() && found->is_null()) *id = -1;
  return ReadTokenId(json, name, id);
}

absl::Status CheckFactor(const char* name, double value) {
  if (std::isfinite(value) && value > 0) return absl::OkStatus();
  return InvalidArgument("config.json: ", name, ": expected a number above 0, got ", value);
}

bool IsSet(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && !found->is_null();
}

// The part of `rope_scaling` or `rope_parameters`, called `name`, that its type needs.
absl::Status ReadScaling(const nlohmann::json& json, const char* name, RotaryConfig* rotary) {
  OPENP5_RETURN_IF_ERROR(ReadField(json, "type", &rotary->type));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "rope_type", &rotary->type));
  const std::string& type = rotary->type;
  if (type != "default" && type != "linear" && type != "dynamic" && type != "llama3") {
    return InvalidArgument("config.json: ", name,
                           ": rope_type: expected default, dynamic, linear or llama3, got ", type);
  }
  const std::tuple<const char*, double*, bool> factors[] = {
      {"factor", &rotary->factor, type != "default"},
      {"low_freq_factor", &rotary->low_freq_factor, type == "llama3"},
      {"high_freq_factor", &rotary->high_freq_factor, type == "llama3"}};
  for (const auto& [field, value, needed] : factors) {
    OPENP5_RETURN_IF_ERROR(ReadField(json, field, value));
    OPENP5_RETURN_IF_ERROR(CheckFactor(StrCat(name, ": ", field).c_str(), *value));
    if (needed && !IsSet(json, field)) {
      return InvalidArgument("config.json: ", name, ": ", field, ": expected it for rope_type ",
                             type, ", got none");
    }
  }
  if (type == "llama3" && rotary->high_freq_factor <= rotary->low_freq_factor) {
    return InvalidArgument("config.json: ", name, ": high_freq_factor: expected more than ",
                           rotary->low_freq_factor, ", got ", rotary->high_freq_factor);
  }
  return ReadField(json, "original_max_position_embeddings",
                   &rotary->original_max_position_embeddings);
}

// `rope_theta` and `rope_scaling`, or both in `rope_parameters` as transformers 5 writes them.
absl::Status ReadRotary(const nlohmann::json& json, RotaryConfig* rotary) {
  OPENP5_RETURN_IF_ERROR(ReadField(json, "rope_theta", &rotary->theta));
  OPENP5_RETURN_IF_ERROR(
      ReadField(json, "max_position_embeddings", &rotary->max_position_embeddings));
  OPENP5_RETURN_IF_ERROR(CheckPositive("max_position_embeddings", rotary->max_position_embeddings));
  rotary->original_max_position_embeddings = rotary->max_position_embeddings;
  double rotated = 1;  // the part of a head's dimensions
  OPENP5_RETURN_IF_ERROR(ReadField(json, "partial_rotary_factor", &rotated));
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    if (!IsSet(json, name)) continue;
    const nlohmann::json& inner = json[name];
    if (!inner.is_object())
      return InvalidArgument("config.json: ", name, ": expected an object, got ",
                             JsonExcerpt(inner));
    for (const auto& [field, value] : inner.items()) {
      if (value.is_object()) {
        return InvalidArgument("config.json: ", name, ": ", field,
                               ": expected one rotation for all layers, got one of its own");
      }
    }
    OPENP5_RETURN_IF_ERROR(ReadField(inner, "rope_theta", &rotary->theta));
    OPENP5_RETURN_IF_ERROR(ReadField(inner, "partial_rotary_factor", &rotated));
    OPENP5_RETURN_IF_ERROR(ReadScaling(inner, name, rotary));
  }
  OPENP5_RETURN_IF_ERROR(CheckRange("partial_rotary_factor", rotated, 1, 1));
  OPENP5_RETURN_IF_ERROR(CheckFactor("rope_theta", rotary->theta));
  return CheckPositive("rope_scaling: original_max_position_embeddings",
                       rotary->original_max_position_embeddings);
}

// Windows that hide far tokens from each other.
absl::Status CheckWindows(const nlohmann::json& json) {
  bool windowed = false;
  OPENP5_RETURN_IF_ERROR(ReadField(json, "use_sliding_window", &windowed));
  if (!IsSet(json, "layer_types")) {
    if (!windowed) return absl::OkStatus();
    return InvalidArgument("config.json: use_sliding_window: expected false, got true");
  }
  // What it says of every layer counts.
  for (const nlohmann::json& type : json["layer_types"]) {
    if (type != "full_attention") {
      return InvalidArgument("config.json: layer_types: expected full_attention only, got ",
                             JsonExcerpt(type));
    }
  }
  return absl::OkStatus();
}

// What a model of the family has besides Llama's weights, and what transformers takes where the
// config does not say.
absl::Status ReadFamily(const nlohmann::json& json, LlamaConfig* config) {
  OPENP5_RETURN_IF_ERROR(ReadField(json, "model_type", &config->model_type));
  const bool qwen2 = config->model_type == "qwen2", qwen3 = config->model_type == "qwen3";
  std::string activation = "silu";
  OPENP5_RETURN_IF_ERROR(ReadField(json, "hidden_act", &activation));
  if (activation != "silu" && activation != "swish")
    return InvalidArgument("config.json: hidden_act: expected silu, got ", activation);
  bool attention_bias = false;
  OPENP5_RETURN_IF_ERROR(ReadField(json, "attention_bias", &attention_bias));
  // A Qwen 2 has biases of its own choice, and no Qwen has any in its feed-forward layers.
  config->qkv_bias = attention_bias || qwen2;
  config->output_bias = attention_bias && !qwen2;
  config->qk_norm = qwen3;
  if (qwen2 || qwen3) {
    config->rotary.max_position_embeddings = 32768;
  } else {
    OPENP5_RETURN_IF_ERROR(ReadField(json, "mlp_bias", &config->mlp_bias));
  }
  OPENP5_RETURN_IF_ERROR(CheckWindows(json));
  return CheckUnset(json, {"pruned_heads", "quantization_config"});
}

// The numbers of heads, and their size.
absl::Status ReadHeads(const nlohmann::json& json, LlamaConfig* config) {
  config->num_key_value_heads = config->num_attention_heads;
  config->head_dim = config->hidden_size / config->num_attention_heads;
  const bool is_llama = config->model_type == "llama";
  if (!is_llama && !json.contains("num_key_value_heads")) config->num_key_value_heads = 32;
  if (config->model_type == "qwen3" && !json.contains("head_dim")) {
    config->head_dim = 128;
  } else if (!IsSet(json, "head_dim") && config->hidden_size % config->num_attention_heads != 0) {
    return InvalidArgument("config.json: num_attention_heads: expected a divisor of hidden_size ",
                           config->hidden_size, ", got ", config->num_attention_heads);
  }
  OPENP5_RETURN_IF_ERROR(ReadField(json, "num_key_value_heads", &config->num_key_value_heads));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "head_dim", &config->head_dim));
  OPENP5_RETURN_IF_ERROR(CheckPositive("num_key_value_heads", config->num_key_value_heads));
  OPENP5_RETURN_IF_ERROR(CheckPositive("head_dim", config->head_dim));
  return CheckPositive("num_attention_heads times head_dim",
                       config->num_attention_heads * config->head_dim);
}

absl::Status CheckHeads(const LlamaConfig& config) {
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    return InvalidArgument("config.json: num_key_value_heads: expected a divisor of ",
                           config.num_attention_heads, ", got ", config.num_key_value_heads);
  }
  if (config.head_dim % 2 != 0) {
    return InvalidArgument("config.json: head_dim: expected an even number, got ", config.head_dim);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LlamaConfig> LlamaConfig::FromHuggingFace(const nlohmann::json& json) {
  if (!json.is_object()) return InvalidArgument("config.json: expected a JSON object");
  LlamaConfig config;
  OPENP5_RETURN_IF_ERROR(ReadFamily(json, &config));
  const std::pair<const char*, int64_t*> sizes[] = {
      {"vocab_size", &config.vocab_size},
      {"hidden_size", &config.hidden_size},
      {"intermediate_size", &config.intermediate_size},
      {"num_hidden_layers", &config.num_hidden_layers},
      {"num_attention_heads", &config.num_attention_heads}};
  for (const auto& [name, value] : sizes) {
    *value = 0;
    OPENP5_RETURN_IF_ERROR(ReadField(json, name, value));
    OPENP5_RETURN_IF_ERROR(CheckPositive(name, *value));
  }
  OPENP5_RETURN_IF_ERROR(CheckPositive("num_hidden_layers", config.num_hidden_layers, kMostLayers));
  OPENP5_RETURN_IF_ERROR(ReadHeads(json, &config));
  OPENP5_RETURN_IF_ERROR(CheckHeads(config));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "rms_norm_eps", &config.rms_norm_eps));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "initializer_range", &config.initializer_range));
  OPENP5_RETURN_IF_ERROR(CheckRange("rms_norm_eps", config.rms_norm_eps, 0, kLargestEpsilon));
  OPENP5_RETURN_IF_ERROR(CheckRange("initializer_range", config.initializer_range, 0, 1));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "tie_word_embeddings", &config.tie_word_embeddings));
  OPENP5_RETURN_IF_ERROR(ReadRotary(json, &config.rotary));
  OPENP5_RETURN_IF_ERROR(ReadTokenIdOrNone(json, "bos_token_id", &config.bos_token_id));
  OPENP5_RETURN_IF_ERROR(ReadTokenIdOrNone(json, "eos_token_id", &config.eos_token_id));
  OPENP5_RETURN_IF_ERROR(ReadTokenIdOrNone(json, "pad_token_id", &config.pad_token_id));
  if (const auto lora = json.find(kLoraField); lora != json.end()) {
    OPENP5_ASSIGN_OR_RETURN(config.lora, LoraConfig::FromPeft(*lora));
  }
  return config;
}

nlohmann::json LlamaConfig::ToHuggingFace() const {
  const std::string architecture = model_type == "qwen2"   ? "Qwen2ForCausalLM"
                                   : model_type == "qwen3" ? "Qwen3ForCausalLM"
                                                           : "LlamaForCausalLM";
  nlohmann::json json = {{"model_type", model_type},
                         {"architectures", {architecture}},
                         {"vocab_size", vocab_size},
                         {"hidden_size", hidden_size},
                         {"intermediate_size", intermediate_size},
                         {"num_hidden_layers", num_hidden_layers},
                         {"num_attention_heads", num_attention_heads},
                         {"num_key_value_heads", num_key_value_heads},
                         {"head_dim", head_dim},
                         {"hidden_act", "silu"},
                         {"rms_norm_eps", rms_norm_eps},
                         {"initializer_range", initializer_range},
                         {"tie_word_embeddings", tie_word_embeddings},
                         {"mlp_bias", mlp_bias},
                         {"max_position_embeddings", rotary.max_position_embeddings},
                         {"rope_theta", rotary.theta},
                         {"eos_token_id", eos_token_id}};
  if (model_type != "qwen2") json["attention_bias"] = qkv_bias;
  json["bos_token_id"] = bos_token_id >= 0 ? nlohmann::json(bos_token_id) : nullptr;
  if (pad_token_id >= 0) json["pad_token_id"] = pad_token_id;
  if (rotary.type != "default") {
    json["rope_scaling"] = {{"rope_type", rotary.type},
                            {"type", rotary.type},  // its name before transformers 4.43
                            {"factor", rotary.factor}};
  }
  if (rotary.type == "llama3") {
    json["rope_scaling"]["low_freq_factor"] = rotary.low_freq_factor;
    json["rope_scaling"]["high_freq_factor"] = rotary.high_freq_factor;
    json["rope_scaling"]["original_max_position_embeddings"] =
        rotary.original_max_position_embeddings;
  }
  if (lora.rank > 0) json[kLoraField] = lora.ToPeft();
  return json;
}

std::vector<std::pair<std::string, LlamaConfig>> LlamaConfig::Presets() {
  const auto shape = [](int64_t hidden, int64_t inner, int64_t layers, int64_t heads,
                        int64_t key_value_heads) {
    LlamaConfig config;
    config.hidden_size = hidden;
    config.intermediate_size = inner;
    config.num_hidden_layers = layers;
    config.num_attention_heads = heads;
    config.num_key_value_heads = key_value_heads;
    config.head_dim = hidden / heads;
    return config;
  };
  LlamaConfig mini = shape(64, 172, 2, 2, 2);
  mini.tie_word_embeddings = true;
  return {{"llama-mini", mini},
          {"llama-tiny", shape(128, 344, 2, 4, 4)},
          {"llama-160m", shape(768, 3072, 12, 12, 12)},
          {"llama-1b", shape(2048, 5632, 22, 32, 4)},
          {"llama-7b", shape(4096, 11008, 32, 32, 32)}};
}

}  // namespace openp5::models

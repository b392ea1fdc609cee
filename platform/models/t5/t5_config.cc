#include <nlohmann/json.hpp>

#include "platform/models/common/config_json.h"
#include "platform/models/t5/t5.h"

namespace openp5::models {

namespace {

// `feed_forward_proj` names both the activation and whether it is gated. Configs repeat the two as
// `dense_act_fn` and `is_gated_act`, and transformers follows those.
absl::Status ReadActivation(const nlohmann::json& json, bool* gated_gelu) {
  std::string projection = "relu";
  OPENP5_RETURN_IF_ERROR(ReadField(json, "feed_forward_proj", &projection));
  if (projection != "relu" && projection != "gated-gelu") {
    return InvalidArgument("config.json: feed_forward_proj: expected relu or gated-gelu, got ",
                           projection);
  }
  *gated_gelu = projection == "gated-gelu";
  std::string activation = *gated_gelu ? "gelu_new" : "relu";
  OPENP5_RETURN_IF_ERROR(ReadField(json, "is_gated_act", gated_gelu));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "dense_act_fn", &activation));
  const bool known = *gated_gelu ? activation == "gelu_new" || activation == "gelu_pytorch_tanh"
                                 : activation == "relu";
  if (known) return absl::OkStatus();
  return InvalidArgument("config.json: dense_act_fn: expected ", *gated_gelu ? "gelu_new" : "relu",
                         " as is_gated_act is ", *gated_gelu ? "true" : "false", ", got ",
                         activation);
}

// Buckets beyond half of them grow with the logarithm of the distance, up to the largest one.
absl::Status CheckBuckets(const T5Config& config) {
  const int64_t buckets = config.relative_attention_num_buckets;
  if (buckets < 4) {
    return InvalidArgument("config.json: relative_attention_num_buckets: expected at least 4, got ",
                           buckets);
  }
  if (config.relative_attention_max_distance > buckets / 2) return absl::OkStatus();
  return InvalidArgument("config.json: relative_attention_max_distance: expected more than ",
                         buckets / 2, ", half of the buckets, got ",
                         config.relative_attention_max_distance);
}

absl::Status CheckNumbers(const T5Config& config) {
  OPENP5_RETURN_IF_ERROR(CheckPositive("num_layers", config.num_layers, kMostLayers));
  OPENP5_RETURN_IF_ERROR(
      CheckPositive("num_decoder_layers", config.num_decoder_layers, kMostLayers));
  OPENP5_RETURN_IF_ERROR(CheckPositive("num_heads times d_kv", config.num_heads * config.d_kv));
  OPENP5_RETURN_IF_ERROR(CheckBuckets(config));
  OPENP5_RETURN_IF_ERROR(CheckRange("dropout_rate", config.dropout_rate, 0, 1));
  return CheckRange("layer_norm_epsilon", config.layer_norm_epsilon, 0, kLargestEpsilon);
}

}  // namespace

absl::StatusOr<T5Config> T5Config::FromHuggingFace(const nlohmann::json& json) {
  if (!json.is_object()) return InvalidArgument("config.json: expected a JSON object");
  T5Config config;
  std::string model_type = "t5";
  OPENP5_RETURN_IF_ERROR(ReadField(json, "model_type", &model_type));
  if (model_type != "t5")
    return InvalidArgument("config.json: model_type: expected t5, got ", model_type);
  const std::pair<const char*, int64_t*> sizes[] = {
      {"vocab_size", &config.vocab_size},
      {"d_model", &config.d_model},
      {"d_kv", &config.d_kv},
      {"d_ff", &config.d_ff},
      {"num_layers", &config.num_layers},
      {"num_decoder_layers", &config.num_decoder_layers},
      {"num_heads", &config.num_heads},
      {"relative_attention_num_buckets", &config.relative_attention_num_buckets},
      {"relative_attention_max_distance", &config.relative_attention_max_distance}};
  OPENP5_RETURN_IF_ERROR(ReadField(json, "num_layers", &config.num_decoder_layers));
  for (const auto& [name, value] : sizes) OPENP5_RETURN_IF_ERROR(ReadField(json, name, value));
  for (const auto& [name, value] : sizes) OPENP5_RETURN_IF_ERROR(CheckPositive(name, *value));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "dropout_rate", &config.dropout_rate));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "layer_norm_epsilon", &config.layer_norm_epsilon));
  OPENP5_RETURN_IF_ERROR(ReadField(json, "tie_word_embeddings", &config.tie_word_embeddings));
  config.scale_decoder_outputs = config.tie_word_embeddings;
  OPENP5_RETURN_IF_ERROR(ReadField(json, "scale_decoder_outputs", &*config.scale_decoder_outputs));
  OPENP5_RETURN_IF_ERROR(ReadTokenId(json, "pad_token_id", &config.pad_token_id));
  OPENP5_RETURN_IF_ERROR(ReadTokenId(json, "eos_token_id", &config.eos_token_id));
  OPENP5_RETURN_IF_ERROR(
      ReadTokenId(json, "decoder_start_token_id", &config.decoder_start_token_id));
  OPENP5_RETURN_IF_ERROR(ReadActivation(json, &config.gated_gelu));
  OPENP5_RETURN_IF_ERROR(CheckNumbers(config));
  OPENP5_RETURN_IF_ERROR(
      CheckUnset(json, {"pruned_heads", "quantization_config", "tie_encoder_decoder"}));
  return config;
}

nlohmann::json T5Config::ToHuggingFace() const {
  return {{"model_type", "t5"},
          {"architectures", {"T5ForConditionalGeneration"}},
          {"is_encoder_decoder", true},
          {"vocab_size", vocab_size},
          {"d_model", d_model},
          {"d_kv", d_kv},
          {"d_ff", d_ff},
          {"num_layers", num_layers},
          {"num_decoder_layers", num_decoder_layers},
          {"num_heads", num_heads},
          {"relative_attention_num_buckets", relative_attention_num_buckets},
          {"relative_attention_max_distance", relative_attention_max_distance},
          {"dropout_rate", dropout_rate},
          {"layer_norm_epsilon", layer_norm_epsilon},
          {"feed_forward_proj", gated_gelu ? "gated-gelu" : "relu"},
          {"tie_word_embeddings", tie_word_embeddings},
          {"scale_decoder_outputs", scales()},
          {"pad_token_id", pad_token_id},
          {"eos_token_id", eos_token_id},
          {"decoder_start_token_id", decoder_start_token_id}};
}

std::vector<std::pair<std::string, T5Config>> T5Config::Presets() {
  const auto shape = [](int64_t d_model, int64_t d_kv, int64_t d_ff, int64_t layers,
                        int64_t heads) {
    T5Config config;
    config.d_model = d_model;
    config.d_kv = d_kv;
    config.d_ff = d_ff;
    config.num_layers = config.num_decoder_layers = layers;
    config.num_heads = heads;
    return config;
  };
  return {{"t5-tiny", shape(128, 32, 512, 2, 4)},
          {"t5-mini", shape(256, 64, 1024, 4, 4)},
          {"t5-small", shape(512, 64, 2048, 6, 8)},
          {"t5-base", shape(768, 64, 3072, 12, 12)},
          {"t5-large", shape(1024, 64, 4096, 24, 16)}};
}

}  // namespace openp5::models

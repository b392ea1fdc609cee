#ifndef OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_H_
#define OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "platform/models/common/language_model.h"
#include "platform/models/common/lora.h"
#include "platform/models/llama/rotary.h"

namespace openp5::models {

// Shape of a Llama (Touvron et al., 2023; Llama 3: Grattafiori et al., 2024) or of a model that
// differs from it by config only (Qwen 2: biases of query, key and value; Qwen 3: their norms).
// Field names are those of Hugging Face's config.json.
struct LlamaConfig {
  std::string model_type = "llama";
  int64_t vocab_size = 32000;
  int64_t hidden_size = 4096;
  int64_t intermediate_size = 11008;
  int64_t num_hidden_layers = 32;
  int64_t num_attention_heads = 32;
  int64_t num_key_value_heads = 32;
  int64_t head_dim = 128;
  double rms_norm_eps = 1e-6;
  double initializer_range = 0.02;
  bool tie_word_embeddings = false;
  bool qkv_bias = false, output_bias = false, mlp_bias = false;
  bool qk_norm = false;  // an RMS norm of every head's query and key
  RotaryConfig rotary = {};
  int64_t bos_token_id = 1, eos_token_id = 2, pad_token_id = -1;  // -1: none
  LoraConfig lora = {};                                           // rank 0: none

  // InvalidArgument naming the field for a missing, senseless or unknown value.
  static absl::StatusOr<LlamaConfig> FromHuggingFace(const nlohmann::json& json);
  nlohmann::json ToHuggingFace() const;
  // "llama-mini" (tied, the shape of most sequential recommenders), "llama-tiny", "llama-160m",
  // "llama-1b", "llama-7b".
  static std::vector<std::pair<std::string, LlamaConfig>> Presets();
};

// Llama on packed batches. Parameters have Hugging Face's names ("model.embed_tokens.weight",
// "model.layers.0.self_attn.q_proj.weight", …), a tied head once. With LoRA (config.lora.rank > 0)
// only the adapter is trained, and the rows of tokens that were added since
// ("model.embed_tokens.added.weight", "lm_head.added.weight"), in full.
//
// Dropout, which no published Llama was trained with, is that of T5 and GPT-2: of the embeddings
// and of what attention and feed-forward add to the residual stream; that of the attention's
// weights, and an adapter's own, are apart from it.
class LlamaModel final : public LanguageModel {
 public:
  // Random weights as Hugging Face initialises them: N(0, initializer_range), norms 1, biases 0.
  static std::unique_ptr<LlamaModel> Create(const LlamaConfig& config, uint64_t seed);

  // Weights from a state dict (Hugging Face's, or this class's with an adapter; float32, float16 or
  // bfloat16; a tied head's copy, rotary tables and "module." prefixes accepted; vocab_size is
  // taken from the embedding's rows, and a head that is not the embedding is not tied, whatever
  // `config` says). Matrices that are in `type` already are kept as they are,
  // views of a mapped file included, if they are not to be trained; others are converted to it, or
  // to float32 if trained, one by one, so that weights the caller gives away (std::move) are never
  // in memory twice. DataLoss naming the tensor if one is missing, unknown, or has another shape.
  static absl::StatusOr<std::unique_ptr<LlamaModel>> FromStateDict(LlamaConfig config,
                                                                   NamedTensors weights,
                                                                   c10::ScalarType type);
  ~LlamaModel() override;

  const LlamaConfig& config() const;

  // With the adapter off the model is as it was before AddLora (added rows apart).
  void EnableLora(bool enabled);

  // Hidden states after the final norm, [total, hidden_size]. `positions` [total] int64, if
  // defined, else every text counts from 0, see LlamaContext::Run. `layer_outputs`, if given,
  // receives the embeddings and every layer's output.
  at::Tensor Forward(const PackedBatch& input, const at::Tensor& positions = {},
                     std::vector<at::Tensor>* layer_outputs = nullptr);
  // Scores of every token, [n, vocab_size] float32, for hidden states [n, hidden_size].
  at::Tensor Logits(const at::Tensor& hidden) const;

  bool is_causal() const override { return true; }
  absl::Status AddLora(const LoraConfig& lora, int64_t first_trained_row, Random& random) override;
  nlohmann::json ToHuggingFace() const override;
  const NamedTensors& parameters() const override;
  at::Tensor embeddings() const override;
  double embedding_deviation() const override;
  at::Tensor TokenLosses(const TrainingBatch& batch) override;
  void SetTraining(bool training, double dropout = -1, double attention_dropout = -1) override;
  void SetGradientCheckpointing(bool enabled) override;
  void ResizeVocabulary(int64_t rows, Random& random) override;
  void To(c10::Device device) override;
  void SetComputeType(c10::ScalarType type) override;
  void QuantizeWeights() override;
  NamedTensors MergedWeights() const override;
  std::unique_ptr<GenerationState> Begin(const PackedBatch& prompts) override;
  int64_t vocabulary_size() const override;

 private:
  struct Impl;
  explicit LlamaModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_H_

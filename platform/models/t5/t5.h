#ifndef OPENP5_PLATFORM_MODELS_T5_T5_H_
#define OPENP5_PLATFORM_MODELS_T5_T5_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/models/common/language_model.h"

namespace openp5::models {

// Shape of a T5 (Raffel et al., 2020; T5 1.1: gated GELU, untied head). Field names are those of
// Hugging Face's config.json.
struct T5Config {
  int64_t vocab_size = 32128;
  int64_t d_model = 512;
  int64_t d_kv = 64;
  int64_t d_ff = 2048;
  int64_t num_layers = 6;
  int64_t num_decoder_layers = 6;
  int64_t num_heads = 8;
  int64_t relative_attention_num_buckets = 32;
  int64_t relative_attention_max_distance = 128;
  double dropout_rate = 0.1;
  double layer_norm_epsilon = 1e-6;
  bool gated_gelu = false;  // feed_forward_proj "gated-gelu" (tanh form) instead of "relu"
  bool tie_word_embeddings = true;
  // Whether what the decoder puts out is multiplied by d_model^-0.5 before the head. The first T5
  // is tied and scales, T5 1.1 does neither; transformers 5 writes the two apart. Not set: as tied.
  std::optional<bool> scale_decoder_outputs = {};
  int64_t pad_token_id = 0;
  int64_t eos_token_id = 1;
  int64_t decoder_start_token_id = 0;
  int64_t whole_word_rows = 512;  // rows of OpenP5's whole-word embedding

  bool scales() const { return scale_decoder_outputs.value_or(tie_word_embeddings); }

  // InvalidArgument naming the field for a missing or senseless value or another activation.
  static absl::StatusOr<T5Config> FromHuggingFace(const nlohmann::json& json);
  nlohmann::json ToHuggingFace() const;
  // "t5-tiny", "t5-mini", "t5-small", "t5-base", "t5-large".
  static std::vector<std::pair<std::string, T5Config>> Presets();
};

// T5 with OpenP5's whole-word embedding (OpenP5: Xu et al., 2024, section 3; P5: Geng et al., 2022)
// on packed batches. Parameters are float32 under Hugging Face's names ("shared.weight",
// "encoder.block.0.layer.0.SelfAttention.q.weight", …, "encoder.whole_word_embeddings.weight"),
// tied tensors once. One thread at a time.
class T5Model final : public LanguageModel {
 public:
  // Random weights as Hugging Face initialises them; whole-word rows N(0, 1) as OpenP5's.
  static std::unique_ptr<T5Model> Create(const T5Config& config, uint64_t seed);

  // Weights from a state dict (Hugging Face's or OpenP5's, float32, float16 or bfloat16; tied
  // copies and "module." prefixes accepted; vocab_size is taken from the embedding's rows, and a
  // head that is not the embedding is not tied, whatever `config` says;
  // whole-word rows are zero if the dict has none). DataLoss naming the tensor if one is missing,
  // unknown, or has another shape. Each is let go when it is copied: weights that the caller gives
  // away (std::move) are never in memory twice.
  static absl::StatusOr<std::unique_ptr<T5Model>> FromStateDict(T5Config config,
                                                                NamedTensors weights);
  ~T5Model() override;

  const T5Config& config() const;

  // Encoder outputs after the final norm, [total, d_model]. `block_outputs`, if given, receives
  // every block's output.
  at::Tensor Encode(const PackedBatch& input, std::vector<at::Tensor>* block_outputs = nullptr);
  // Decoder outputs after the final norm, [total labels, d_model], before the head's scaling.
  // The decoder's input is the start token followed by the labels without their last.
  at::Tensor Decode(const PackedBatch& input, const at::Tensor& encoded, const PackedBatch& labels,
                    std::vector<at::Tensor>* block_outputs = nullptr);
  // Scores of every token, [n, vocab_size] float32, for decoder outputs [n, d_model].
  at::Tensor Logits(const at::Tensor& decoded) const;

  bool is_causal() const override { return false; }
  nlohmann::json ToHuggingFace() const override;
  const NamedTensors& parameters() const override;
  at::Tensor embeddings() const override;
  double embedding_deviation() const override { return 1; }  // as nn.Embedding's
  at::Tensor TokenLosses(const TrainingBatch& batch) override;
  void SetTraining(bool training, double dropout = -1, double attention_dropout = -1) override;
  void SetGradientCheckpointing(bool enabled) override;
  void ResizeVocabulary(int64_t rows, Random& random) override;
  void To(c10::Device device) override;
  void SetComputeType(c10::ScalarType type) override;
  void QuantizeWeights() override;
  std::unique_ptr<GenerationState> Begin(const PackedBatch& prompts) override;
  int64_t vocabulary_size() const override;

 private:
  struct Impl;
  explicit T5Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_T5_T5_H_

#ifndef OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_WEIGHTS_H_
#define OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_WEIGHTS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/models/common/layers.h"
#include "platform/models/common/ragged_attention.h"
#include "platform/models/llama/llama.h"

namespace openp5::models {

struct LlamaLinear : Matrix {
  at::Tensor bias;  // [out] float32; undefined: none
  LoraPair lora;
};

struct LlamaLayer {
  at::Tensor input_norm, post_attention_norm;  // [hidden_size]
  at::Tensor q_norm, k_norm;                   // [head_dim]; only with qk_norm
  LlamaLinear q, k, v, o, gate, up, down;
};

// A table of tokens: rows of the tokens it was made with, and of those that an adapter came with.
struct LlamaTable {
  LlamaLinear base;  // weight [rows, hidden_size]
  at::Tensor added;  // [added rows, hidden_size]; undefined: none
};

// Handles on the weights of one Llama, by place. They share memory with LlamaModel::parameters().
struct LlamaWeights {
  enum class Kind { kMatrix, kNorm, kBias, kLoraA, kLoraB, kAddedRows };
  using Visit = std::function<void(const std::string& name, std::vector<int64_t> shape, Kind kind,
                                   at::Tensor& tensor)>;

  LlamaTable embeddings, head;  // a tied head has no weight, but may have an adapter's update
  std::vector<LlamaLayer> layers;
  at::Tensor final_norm;  // [hidden_size]
  int64_t added_rows = 0;

  // Calls `visit` for every parameter that `config` and `added_rows` ask for, in the order of
  // Hugging Face's state dict, an adapter's behind its layer's. Layers are made as `config` says.
  void ForEach(const LlamaConfig& config, const Visit& visit);
  // Quantizes every matrix of a linear layer, and that of the vocabulary. Adapters and the rows
  // they came with stay as they are.
  void Quantize();
};

// What Forward and generation compute with.
struct LlamaContext {
  const LlamaConfig& config;
  const LlamaWeights& weights;
  c10::ScalarType compute_type = c10::ScalarType::Float;
  double dropout = 0, attention_dropout = 0, lora_dropout = 0;  // 0 outside training
  bool lora = true;
  bool checkpointing = false;  // layers are computed a second time in backward

  // `x` [n, in] to [n, out], adapter and bias included.
  at::Tensor Apply(const LlamaLinear& linear, const at::Tensor& x) const;
  // `y`, what the layer makes of `x` without its adapter, with the adapter's part.
  at::Tensor Update(const LlamaLinear& linear, const at::Tensor& x, const at::Tensor& y) const;
  // `tokens` [n] to [n, hidden_size] float32.
  at::Tensor Embed(const at::Tensor& tokens) const;
  // Query, key and value, [n, heads, head_dim] each, the first two turned by `rotation`; key and
  // value have num_key_value_heads heads.
  struct Heads {
    at::Tensor query, key, value;
  };
  Heads Project(const LlamaLayer& layer, const at::Tensor& x, const Rotation& rotation) const;
  // Sees a layer's input and its heads.
  using Observer = std::function<void(const at::Tensor& layer_input, const Heads& heads)>;
  // All layers on packed sequences: [total, hidden_size] before the final norm. `positions` [total]
  // int64, if defined, else every sequence counts from 0 and its branches from where they leave the
  // trunk. A rotation that depends on a text's length ("dynamic", beyond max_position_embeddings)
  // takes a trunk for a text of its own. `observe`, if given, sees every layer; then nothing is
  // computed a second time.
  at::Tensor Run(const PackedBatch& input, const at::Tensor& positions,
                 const Observer& observe) const;
  // Scores of every token, [n, vocab_size] float32, for normed hidden states [n, hidden_size].
  at::Tensor Logits(const at::Tensor& hidden) const;
  // The matrix that scores are products with, if they are that alone: no rows of their own for
  // added tokens, nothing from an adapter.
  std::optional<at::Tensor> PlainHead() const;
  // The layer's second half without its residual.
  at::Tensor FeedForward(const LlamaLayer& layer, const at::Tensor& x) const;

  // How the sequences of a batch see each other's tokens, the same in all layers.
  struct Sequences {
    Rotation rotation;
    std::shared_ptr<const AttentionLayout> layout;
    std::optional<at::Tensor> causal;  // hides later tokens, where the layout does not
  };
  Sequences Arrange(const PackedBatch& input, const at::Tensor& positions) const;
  // `x` [total, hidden_size] after the layer.
  at::Tensor RunLayer(const LlamaLayer& layer, const at::Tensor& x, const Sequences& sequences,
                      const Observer& observe) const;
};

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_LLAMA_LLAMA_WEIGHTS_H_

#ifndef OPENP5_PLATFORM_MODELS_T5_T5_WEIGHTS_H_
#define OPENP5_PLATFORM_MODELS_T5_T5_WEIGHTS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "platform/models/common/layers.h"
#include "platform/models/t5/t5.h"

namespace openp5::models {

// Handles on the weights of one T5, by place. They share memory with T5Model::parameters().
struct T5Attention {
  at::Tensor norm;  // [d_model]
  Matrix q, k, v;   // [heads * d_kv, d_model]
  Matrix o;         // [d_model, heads * d_kv]
};
struct T5FeedForward {
  at::Tensor norm;     // [d_model]
  Matrix wi, wi_gate;  // [d_ff, d_model]; wi_gate (the activated half) only in a gated model
  Matrix wo;           // [d_model, d_ff]
};
struct T5Block {
  T5Attention self, cross;  // cross only in the decoder
  T5FeedForward feed_forward;
};
struct T5Stack {
  std::vector<T5Block> blocks;
  at::Tensor relative_bias;  // [buckets, heads]
  at::Tensor final_norm;     // [d_model]
};
struct T5Weights {
  at::Tensor shared;       // [vocab_size, d_model]
  at::Tensor whole_words;  // [whole_word_rows, d_model]
  Matrix lm_head;          // [vocab_size, d_model]; undefined when tied and not quantized
  T5Stack encoder, decoder;

  // Calls `visit(name, shape, initial standard deviation, tensor)` for every parameter, in the
  // order of Hugging Face's state dict. Deviation -1: ones. Blocks are made as `config` says.
  void ForEach(const T5Config& config,
               const std::function<void(const std::string& name, std::vector<int64_t> shape,
                                        double deviation, at::Tensor& tensor)>& visit);
  // Quantizes every matrix of a linear layer, and that of the vocabulary.
  void Quantize();
};

// Relative position bucket of every (query, key) pair (Raffel et al., 2020, section 2.1, as in its
// published code): [queries, keys] int64. Query i stands at position i + offset.
at::Tensor RelativeBuckets(const T5Config& config, bool bidirectional, int64_t queries,
                           int64_t keys, int64_t offset, c10::Device device);

// The learned bias of those buckets, [heads, queries, keys] float32. Differentiable in the table.
at::Tensor RelativeBias(const at::Tensor& table, const at::Tensor& buckets);

// One feed-forward sublayer without its residual: [n, d_model] to [n, d_model].
at::Tensor FeedForward(const T5FeedForward& weights, const at::Tensor& x, const T5Config& config,
                       double dropout, c10::ScalarType compute_type);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_T5_T5_WEIGHTS_H_

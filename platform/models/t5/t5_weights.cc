#include "platform/models/t5/t5_weights.h"

#include <torch/types.h>

#include <cmath>

#include "platform/models/common/layers.h"

namespace openp5::models {
namespace {

int64_t Bucket(const T5Config& config, bool bidirectional, int64_t relative) {
  int64_t buckets = config.relative_attention_num_buckets, base = 0;
  if (bidirectional) {
    buckets /= 2;
    if (relative > 0) base = buckets;
    relative = std::abs(relative);
  } else {
    relative = std::max<int64_t>(-relative, 0);
  }
  const int64_t exact = buckets / 2;
  if (relative < exact) return base + relative;
  // float32 as in the published code: rounding decides the bucket at a few distances.
  const float ratio =
      std::log(static_cast<float>(relative) / static_cast<float>(exact)) /
      static_cast<float>(std::log(static_cast<double>(config.relative_attention_max_distance) /
                                  static_cast<double>(exact)));
  const int64_t logarithmic =
      exact + static_cast<int64_t>(ratio * static_cast<float>(buckets - exact));
  return base + std::min(logarithmic, buckets - 1);
}

}  // namespace

void T5Weights::ForEach(const T5Config& config,
                        const std::function<void(const std::string&, std::vector<int64_t>, double,
                                                 at::Tensor&)>& visit) {
  const int64_t d = config.d_model, inner = config.num_heads * config.d_kv, ff = config.d_ff;
  const double d_deviation = std::pow(d, -0.5);
  const auto attention = [&](const std::string& layer, const std::string& kind, T5Attention& a,
                             bool first) {
    const std::string name = layer + kind + ".";
    visit(name + "q.weight", {inner, d}, std::pow(d * config.d_kv, -0.5), a.q.weight);
    visit(name + "k.weight", {inner, d}, d_deviation, a.k.weight);
    visit(name + "v.weight", {inner, d}, d_deviation, a.v.weight);
    visit(name + "o.weight", {d, inner}, std::pow(inner, -0.5), a.o.weight);
    if (first) {
      visit(name + "relative_attention_bias.weight",
            {config.relative_attention_num_buckets, config.num_heads}, d_deviation,
            kind == "SelfAttention" && layer[0] == 'e' ? encoder.relative_bias
                                                       : decoder.relative_bias);
    }
    visit(layer + "layer_norm.weight", {d}, -1, a.norm);
  };
  const auto feed_forward = [&](const std::string& layer, T5FeedForward& f) {
    const std::string name = layer + "DenseReluDense.";
    if (config.gated_gelu) visit(name + "wi_0.weight", {ff, d}, d_deviation, f.wi_gate.weight);
    visit(name + (config.gated_gelu ? "wi_1.weight" : "wi.weight"), {ff, d}, d_deviation,
          f.wi.weight);
    visit(name + "wo.weight", {d, ff}, std::pow(ff, -0.5), f.wo.weight);
    visit(layer + "layer_norm.weight", {d}, -1, f.norm);
  };
  const auto stack = [&](const std::string& name, T5Stack& s, int64_t blocks, bool is_decoder) {
    s.blocks.resize(static_cast<size_t>(blocks));
    for (int64_t i = 0; i < blocks; ++i) {
      T5Block& block = s.blocks[static_cast<size_t>(i)];
      const std::string layer = name + ".block." + std::to_string(i) + ".layer.";
      attention(layer + "0.", "SelfAttention", block.self, i == 0);
      if (is_decoder) attention(layer + "1.", "EncDecAttention", block.cross, false);
      feed_forward(layer + (is_decoder ? "2." : "1."), block.feed_forward);
    }
    visit(name + ".final_layer_norm.weight", {d}, -1, s.final_norm);
  };
  visit("shared.weight", {config.vocab_size, d}, 1, shared);
  visit("encoder.whole_word_embeddings.weight", {config.whole_word_rows, d}, 1, whole_words);
  stack("encoder", encoder, config.num_layers, false);
  stack("decoder", decoder, config.num_decoder_layers, true);
  if (!config.tie_word_embeddings)
    visit("lm_head.weight", {config.vocab_size, d}, 1, lm_head.weight);
}

void T5Weights::Quantize() {
  for (T5Stack* stack : {&encoder, &decoder}) {
    for (T5Block& block : stack->blocks) {
      T5Attention &self = block.self, &cross = block.cross;
      T5FeedForward& inner = block.feed_forward;
      for (Matrix* matrix : {&self.q, &self.k, &self.v, &self.o, &cross.q, &cross.k, &cross.v,
                             &cross.o, &inner.wi, &inner.wi_gate, &inner.wo}) {
        if (matrix->defined()) matrix->Quantize();
      }
    }
  }
  // Tied, the table of the tokens stays as it is for their embeddings.
  if (!lm_head.defined()) lm_head.weight = shared;
  lm_head.Quantize();
}

at::Tensor RelativeBuckets(const T5Config& config, bool bidirectional, int64_t queries,
                           int64_t keys, int64_t offset, c10::Device device) {
  std::vector<int64_t> by_distance;  // index: key - query + (queries + offset - 1)
  const int64_t shift = queries + offset - 1;
  for (int64_t i = 0; i < queries + offset + keys; ++i)
    by_distance.push_back(Bucket(config, bidirectional, i - shift));
  at::Tensor buckets = at::empty({queries, keys}, at::kLong);
  int64_t* out = buckets.data_ptr<int64_t>();
  for (int64_t q = 0; q < queries; ++q) {
    for (int64_t k = 0; k < keys; ++k)
      *out++ = by_distance[static_cast<size_t>(k - q - offset + shift)];
  }
  return buckets.to(device);
}

at::Tensor RelativeBias(const at::Tensor& table, const at::Tensor& buckets) {
  return at::embedding(table, buckets).permute({2, 0, 1}).contiguous();
}

at::Tensor FeedForward(const T5FeedForward& weights, const at::Tensor& x, const T5Config& config,
                       double dropout, c10::ScalarType compute_type) {
  const at::Tensor normed = RmsNorm(x, weights.norm, config.layer_norm_epsilon);
  at::Tensor inner = Linear(normed, weights.wi, compute_type);
  if (config.gated_gelu) {
    inner =
        Dropout(at::gelu(Linear(normed, weights.wi_gate, compute_type), "tanh") * inner, dropout);
  } else {
    inner = dropout > 0 ? ReluDropout(inner, dropout) : inner.relu_();
  }
  return Linear(inner, weights.wo, compute_type);
}

}  // namespace openp5::models

#include "platform/models/llama/llama_weights.h"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <memory>

#include "platform/models/common/activation_checkpointing.h"
#include "platform/models/common/layers.h"

namespace openp5::models {
namespace {

using Kind = LlamaWeights::Kind;

// Visits the tensors of one layer of `kind` "self_attn." or the like.
class Visitor {
 public:
  Visitor(const LlamaConfig& config, const LlamaWeights::Visit& visit)
      : config_(config), visit_(visit) {}

  void Linear(const std::string& prefix, const std::string& module, int64_t out, int64_t in,
              bool bias, LlamaLinear& linear) const {
    const std::string name = prefix + module;
    visit_(name + ".weight", {out, in}, Kind::kMatrix, linear.weight);
    if (bias) visit_(name + ".bias", {out}, Kind::kBias, linear.bias);
    Update(prefix, module, out, in, linear);
  }

  // Only the adapter's part of a linear layer.
  void Update(const std::string& prefix, const std::string& module, int64_t out, int64_t in,
              LlamaLinear& linear) const {
    if (!config_.lora.Targets(module)) return;
    const std::string name = prefix + module;
    visit_(name + ".lora_A.weight", {config_.lora.rank, in}, Kind::kLoraA, linear.lora.a);
    visit_(name + ".lora_B.weight", {out, config_.lora.rank}, Kind::kLoraB, linear.lora.b);
  }

  void Embedding(const std::string& prefix, const std::string& module, int64_t rows,
                 int64_t columns, LlamaLinear& table) const {
    const std::string name = prefix + module;
    visit_(name + ".weight", {rows, columns}, Kind::kMatrix, table.weight);
    if (!config_.lora.Targets(module)) return;
    visit_(name + ".lora_embedding_A", {config_.lora.rank, rows}, Kind::kLoraA, table.lora.a);
    visit_(name + ".lora_embedding_B", {columns, config_.lora.rank}, Kind::kLoraB, table.lora.b);
  }

 private:
  const LlamaConfig& config_;
  const LlamaWeights::Visit& visit_;
};

// Where each token of a batch stands in its text, and how long that text is. A trunk counts as a
// text of its own.
struct Places {
  std::vector<int64_t> positions, lengths;  // [total]
};

Places PlacesOf(const PackedBatch& input) {
  Places places;
  for (size_t i = 0; i < input.lengths.size(); ++i) {
    std::span<const Branch> branches;
    if (!input.branches.empty()) branches = input.branches[i];
    ForEachStretch(input.lengths[i], branches, [&](const Branch& stretch, int64_t end) {
      const int64_t length = stretch.after + end - stretch.begin;
      for (int64_t p = stretch.after; p < length; ++p) places.positions.push_back(p);
      places.lengths.resize(places.positions.size(), length);
    });
  }
  return places;
}

// Hides later tokens, [1, longest, longest].
at::Tensor CausalBias(int64_t longest, c10::Device device) {
  return at::full({1, longest, longest}, std::numeric_limits<float>::lowest(),
                  at::TensorOptions().device(device))
      .triu_(1);
}

at::Tensor RepeatHeads(const at::Tensor& x, int64_t times) {
  if (times == 1) return x;
  return x.unsqueeze(2).expand({x.size(0), x.size(1), times, x.size(2)});
}

}  // namespace

void LlamaWeights::ForEach(const LlamaConfig& config, const Visit& visit) {
  const Visitor visitor(config, visit);
  const int64_t d = config.hidden_size, ff = config.intermediate_size;
  const int64_t queries = config.num_attention_heads * config.head_dim,
                keys = config.num_key_value_heads * config.head_dim,
                rows = config.vocab_size - added_rows;
  visitor.Embedding("model.", "embed_tokens", rows, d, embeddings.base);
  if (added_rows > 0)
    visit("model.embed_tokens.added.weight", {added_rows, d}, Kind::kAddedRows, embeddings.added);
  layers.resize(static_cast<size_t>(config.num_hidden_layers));
  for (size_t i = 0; i < layers.size(); ++i) {
    LlamaLayer& layer = layers[i];
    const std::string name = "model.layers." + std::to_string(i) + ".";
    const std::string attention = name + "self_attn.", mlp = name + "mlp.";
    visit(name + "input_layernorm.weight", {d}, Kind::kNorm, layer.input_norm);
    visitor.Linear(attention, "q_proj", queries, d, config.qkv_bias, layer.q);
    visitor.Linear(attention, "k_proj", keys, d, config.qkv_bias, layer.k);
    visitor.Linear(attention, "v_proj", keys, d, config.qkv_bias, layer.v);
    visitor.Linear(attention, "o_proj", d, queries, config.output_bias, layer.o);
    if (config.qk_norm) {
      visit(attention + "q_norm.weight", {config.head_dim}, Kind::kNorm, layer.q_norm);
      visit(attention + "k_norm.weight", {config.head_dim}, Kind::kNorm, layer.k_norm);
    }
    visit(name + "post_attention_layernorm.weight", {d}, Kind::kNorm, layer.post_attention_norm);
    visitor.Linear(mlp, "gate_proj", ff, d, config.mlp_bias, layer.gate);
    visitor.Linear(mlp, "up_proj", ff, d, config.mlp_bias, layer.up);
    visitor.Linear(mlp, "down_proj", d, ff, config.mlp_bias, layer.down);
  }
  visit("model.norm.weight", {d}, Kind::kNorm, final_norm);
  if (config.tie_word_embeddings) {
    // The table's own update is not the head's, nor the other way round.
    visitor.Update("", "lm_head", rows, d, head.base);
    return;
  }
  visitor.Linear("", "lm_head", rows, d, /*bias=*/false, head.base);
  if (added_rows > 0) visit("lm_head.added.weight", {added_rows, d}, Kind::kAddedRows, head.added);
}

void LlamaWeights::Quantize() {
  for (LlamaLayer& layer : layers) {
    for (LlamaLinear* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) {
      linear->Quantize();
    }
  }
  if (head.base.defined()) {
    head.base.Quantize();
  } else {
    // The table of the tokens stays as it is for their embeddings.
    Matrix vocabulary{embeddings.base.weight, {}};
    vocabulary.Quantize();
    embeddings.base.int8 = vocabulary.int8;
  }
}

at::Tensor LlamaContext::Apply(const LlamaLinear& linear, const at::Tensor& x) const {
  at::Tensor y = Linear(x, linear, compute_type);
  if (linear.bias.defined()) y = y + linear.bias;
  return Update(linear, x, y);
}

at::Tensor LlamaContext::Update(const LlamaLinear& linear, const at::Tensor& x,
                                const at::Tensor& y) const {
  if (!lora || !linear.lora.defined()) return y;
  const at::Tensor inner = Linear(Dropout(x, lora_dropout), linear.lora.a, compute_type);
  return y + Linear(inner, linear.lora.b, compute_type) * config.lora.scale();
}

at::Tensor LlamaContext::Embed(const at::Tensor& tokens) const {
  const LlamaTable& table = weights.embeddings;
  const int64_t rows = table.base.weight.size(0);
  const at::Tensor known = table.added.defined() ? tokens.clamp_max(rows - 1) : tokens;
  at::Tensor x = at::embedding(table.base.weight, known).to(at::kFloat);
  if (lora && table.base.lora.defined()) {
    const at::Tensor inner = at::embedding(table.base.lora.a.t(), known);
    x = x + at::linear(inner, table.base.lora.b) * config.lora.scale();
  }
  if (!table.added.defined()) return x;
  return at::where((tokens >= rows).unsqueeze(1),
                   at::embedding(table.added, (tokens - rows).clamp_min(0)), x);
}

LlamaContext::Heads LlamaContext::Project(const LlamaLayer& layer, const at::Tensor& x,
                                          const Rotation& rotation) const {
  const at::Tensor normed = RmsNorm(x, layer.input_norm, config.rms_norm_eps);
  const int64_t n = x.size(0), d = config.head_dim;
  const auto split = [&](const LlamaLinear& linear, const at::Tensor& norm) {
    at::Tensor heads = Apply(linear, normed).view({-1, d});
    if (norm.defined()) heads = RmsNorm(heads, norm, config.rms_norm_eps);
    return heads.view({n, -1, d});
  };
  return {Rotate(split(layer.q, layer.q_norm), rotation),
          Rotate(split(layer.k, layer.k_norm), rotation), split(layer.v, {})};
}

at::Tensor LlamaContext::FeedForward(const LlamaLayer& layer, const at::Tensor& x) const {
  const at::Tensor normed = RmsNorm(x, layer.post_attention_norm, config.rms_norm_eps);
  return Apply(layer.down, at::silu(Apply(layer.gate, normed)) * Apply(layer.up, normed));
}

LlamaContext::Sequences LlamaContext::Arrange(const PackedBatch& input,
                                              const at::Tensor& positions) const {
  const c10::Device device = input.tokens.device();
  const Places places = PlacesOf(input);
  Sequences sequences;
  sequences.rotation = MakeRotation(
      config.rotary, config.head_dim,
      positions.defined() ? positions : torch::tensor(places.positions, at::kLong).to(device),
      places.lengths);
  if (!input.branches.empty()) {
    sequences.layout =
        std::make_shared<const AttentionLayout>(input.lengths, input.branches, device);
  } else {
    sequences.layout =
        std::make_shared<const AttentionLayout>(input.lengths, input.lengths, device);
    sequences.causal = CausalBias(sequences.layout->longest_query(), device);
  }
  return sequences;
}

at::Tensor LlamaContext::RunLayer(const LlamaLayer& layer, const at::Tensor& x,
                                  const Sequences& sequences, const Observer& observe) const {
  const int64_t n = x.size(0), times = config.num_attention_heads / config.num_key_value_heads;
  const Heads heads = Project(layer, x, sequences.rotation);
  if (observe) observe(x, heads);
  const at::Tensor attended = RaggedAttention(
      heads.query.reshape({n, -1}), RepeatHeads(heads.key, times).reshape({n, -1}),
      RepeatHeads(heads.value, times).reshape({n, -1}), sequences.causal, sequences.layout,
      {.heads = config.num_attention_heads,
       .divisor = std::sqrt(static_cast<double>(config.head_dim)),
       .dropout = attention_dropout});
  const at::Tensor middle = x + Dropout(Apply(layer.o, attended), dropout);
  return middle + Dropout(FeedForward(layer, middle), dropout);
}

at::Tensor LlamaContext::Run(const PackedBatch& input, const at::Tensor& positions,
                             const Observer& observe) const {
  const Sequences sequences = Arrange(input, positions);
  at::Tensor x = Dropout(Embed(input.tokens), dropout);
  for (const LlamaLayer& layer : weights.layers) {
    if (!checkpointing || observe) {
      x = RunLayer(layer, x, sequences, observe);
      continue;
    }
    const auto part = [context = *this, &layer, sequences](const std::vector<at::Tensor>& inputs) {
      return context.RunLayer(layer, inputs[0], sequences, {});
    };
    x = Checkpoint(part, {x});
  }
  return x;
}

std::optional<at::Tensor> LlamaContext::PlainHead() const {
  const LlamaTable& table = config.tie_word_embeddings ? weights.embeddings : weights.head;
  const bool has_update = lora && weights.head.base.lora.defined();
  if (table.added.defined() || has_update) return std::nullopt;
  return table.base.weight;
}

at::Tensor LlamaContext::Logits(const at::Tensor& hidden) const {
  const LlamaTable& table = config.tie_word_embeddings ? weights.embeddings : weights.head;
  const at::Tensor known =
      Update(weights.head.base, hidden, Linear(hidden, table.base, compute_type));
  if (!table.added.defined()) return known;
  return at::cat({known, Linear(hidden, table.added, compute_type)}, 1);
}

}  // namespace openp5::models

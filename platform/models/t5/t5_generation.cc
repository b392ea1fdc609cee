#include "platform/models/t5/t5_generation.h"

#include <torch/types.h>

#include <limits>

#include "platform/models/common/kv_cache.h"
#include "platform/models/common/layers.h"
#include "platform/models/common/ragged_attention.h"

namespace openp5::models {
namespace {

class T5Generation final : public GenerationState {
 public:
  T5Generation(const T5Model& model, const T5Weights& weights, const at::Tensor& encoded,
               const std::vector<int64_t>& lengths, c10::ScalarType compute_type)
      : model_(model),
        config_(model.config()),
        weights_(weights),
        compute_type_(compute_type),
        users_(static_cast<int64_t>(lengths.size())) {
    ProjectPrompts(encoded, lengths);
    self_.resize(weights.decoder.blocks.size());
  }

  at::Tensor start_tokens() const override {
    return at::full({users_}, config_.decoder_start_token_id,
                    at::TensorOptions().dtype(at::kLong).device(weights_.shared.device()));
  }

  at::Tensor Advance(const at::Tensor& tokens) override {
    const at::NoGradGuard no_gradients;
    const int64_t rows = users_ * beams_, steps = tokens.size(2);
    at::Tensor x = at::embedding(weights_.shared, tokens.reshape({-1}));  // [rows * steps, d_model]
    const at::Tensor bias = SelfBias(steps);
    for (size_t i = 0; i < weights_.decoder.blocks.size(); ++i) {
      const T5Block& block = weights_.decoder.blocks[i];
      x = x + SelfAttention(block.self, self_[i], x, bias, rows, steps);
      x = x + CrossAttention(block.cross, cross_[i], x, steps);
      x = x + FeedForward(block.feed_forward, x, config_, 0, compute_type_);
    }
    length_ += steps;
    return RmsNorm(x, weights_.decoder.final_norm, config_.layer_norm_epsilon)
        .view({users_, beams_, steps, config_.d_model});
  }

  at::Tensor Logits(const at::Tensor& hidden) const override {
    const at::NoGradGuard no_gradients;
    return model_.Logits(hidden);
  }

  void Select(const at::Tensor& users, const at::Tensor& beams) override {
    const at::NoGradGuard no_gradients;
    const at::Tensor rows = (users.unsqueeze(1) * beams_ + beams).reshape({-1});
    for (KeyValue& cache : self_) cache.Select(rows);
    if (!AllStay(users, users_)) {
      for (KeyValue& cache : cross_) cache.Select(users);
      if (prompt_mask_.defined()) prompt_mask_ = prompt_mask_.index_select(0, users);
    }
    users_ = users.size(0);
    beams_ = beams.size(1);
  }

  std::unique_ptr<GenerationState> Clone() const override {
    return std::make_unique<T5Generation>(*this);  // no tensor is ever changed in place
  }

 private:
  // [n * length, heads * d_kv] to [n, heads, length, d_kv].
  at::Tensor SplitHeads(const at::Tensor& x, int64_t n) const {
    return x.view({n, -1, config_.num_heads, config_.d_kv}).transpose(1, 2);
  }
  // The inverse.
  at::Tensor MergeHeads(const at::Tensor& x) const {
    return x.transpose(1, 2).reshape({-1, config_.num_heads * config_.d_kv});
  }

  // Cross-attention's keys and values of all prompts, padded.
  void ProjectPrompts(const at::Tensor& encoded, const std::vector<int64_t>& lengths) {
    const PromptPadding padding = PadPrompts(lengths, lengths, encoded.device());
    if (padding.mask.defined()) prompt_mask_ = padding.mask.view({users_, 1, 1, -1});
    for (const T5Block& block : weights_.decoder.blocks) {
      const auto project = [&](const Matrix& weight) {
        const at::Tensor projected = Linear(encoded, weight, compute_type_);
        return SplitHeads(
                   padding.mask.defined() ? projected.index_select(0, padding.place) : projected,
                   users_)
            .contiguous();
      };
      cross_.push_back({project(block.cross.k), project(block.cross.v)});
    }
  }

  // [1, heads, steps, length_ + steps], later positions masked.
  at::Tensor SelfBias(int64_t steps) const {
    const at::Tensor buckets = RelativeBuckets(config_, /*bidirectional=*/false, steps,
                                               length_ + steps, length_, weights_.shared.device());
    at::Tensor bias = RelativeBias(weights_.decoder.relative_bias, buckets);
    if (steps > 1) {
      bias = bias + at::full({steps, length_ + steps}, std::numeric_limits<float>::lowest(),
                             bias.options())
                        .triu_(length_ + 1);
    }
    return bias.unsqueeze(0);
  }

  at::Tensor SelfAttention(const T5Attention& a, KeyValue& cache, const at::Tensor& x,
                           const at::Tensor& bias, int64_t rows, int64_t steps) const {
    const at::Tensor normed = RmsNorm(x, a.norm, config_.layer_norm_epsilon);
    const at::Tensor query = SplitHeads(Linear(normed, a.q, compute_type_), rows);
    const at::Tensor keys = SplitHeads(Linear(normed, a.k, compute_type_), rows);
    const at::Tensor values = SplitHeads(Linear(normed, a.v, compute_type_), rows);
    cache.keys = cache.keys.defined() ? at::cat({cache.keys, keys}, 2) : keys.contiguous();
    cache.values =
        cache.values.defined() ? at::cat({cache.values, values}, 2) : values.contiguous();
    const at::Tensor mask = bias.expand({rows, config_.num_heads, steps, bias.size(3)});
    return Linear(
        MergeHeads(at::scaled_dot_product_attention(query, cache.keys, cache.values, mask, 0.0,
                                                    /*is_causal=*/false, /*scale=*/1.0)),
        a.o, compute_type_);
  }

  // A user's beams and steps are queries of one attention over that user's prompt.
  at::Tensor CrossAttention(const T5Attention& a, const KeyValue& prompt, const at::Tensor& x,
                            int64_t steps) const {
    const at::Tensor normed = RmsNorm(x, a.norm, config_.layer_norm_epsilon);
    const at::Tensor query = SplitHeads(Linear(normed, a.q, compute_type_), users_);
    std::optional<at::Tensor> mask;
    if (prompt_mask_.defined()) {
      mask = prompt_mask_.expand({users_, 1, beams_ * steps, prompt_mask_.size(3)});
    }
    return Linear(
        MergeHeads(at::scaled_dot_product_attention(query, prompt.keys, prompt.values, mask, 0.0,
                                                    /*is_causal=*/false, /*scale=*/1.0)),
        a.o, compute_type_);
  }

  const T5Model& model_;
  const T5Config& config_;
  const T5Weights& weights_;
  c10::ScalarType compute_type_;
  int64_t users_, beams_ = 1, length_ = 0;
  std::vector<KeyValue> cross_, self_;  // once a user, once a continuation
  at::Tensor prompt_mask_;  // [users, 1, 1, longest prompt]; undefined if none is padded
};

}  // namespace

std::unique_ptr<GenerationState> MakeT5Generation(const T5Model& model, const T5Weights& weights,
                                                  const at::Tensor& encoded,
                                                  const std::vector<int64_t>& lengths,
                                                  c10::ScalarType compute_type) {
  return std::make_unique<T5Generation>(model, weights, encoded, lengths, compute_type);
}

}  // namespace openp5::models

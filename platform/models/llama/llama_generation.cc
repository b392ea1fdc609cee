#include "platform/models/llama/llama_generation.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "platform/models/common/kv_cache.h"
#include "platform/models/common/layers.h"

namespace openp5::models {
namespace {

class LlamaGeneration final : public GenerationState {
 public:
  LlamaGeneration(const LlamaContext& context, const PackedBatch& prompts)
      : context_(context),
        groups_(context.config.num_attention_heads / context.config.num_key_value_heads),
        divisor_(std::sqrt(static_cast<double>(context.config.head_dim))),
        users_(static_cast<int64_t>(prompts.lengths.size())) {
    Prefill(prompts);
    own_.resize(context_.weights.layers.size());
  }

  at::Tensor start_tokens() const override { return start_tokens_; }

  at::Tensor Advance(const at::Tensor& tokens) override {
    const at::NoGradGuard no_gradients;
    const int64_t steps = tokens.size(2);
    at::Tensor x = context_.Embed(tokens.reshape({-1}));  // [users * beams * steps, hidden]
    const Rotation rotation = RotationOf(steps);
    for (size_t i = 0; i < own_.size(); ++i) {
      const LlamaLayer& layer = context_.weights.layers[i];
      x = x + Attention(layer, i, x, rotation, steps);
      x = x + context_.FeedForward(layer, x);
    }
    length_ += steps;
    return RmsNorm(x, context_.weights.final_norm, context_.config.rms_norm_eps)
        .view({users_, beams_, steps, -1});
  }

  at::Tensor Logits(const at::Tensor& hidden) const override {
    const at::NoGradGuard no_gradients;
    return context_.Logits(hidden);
  }

  void Select(const at::Tensor& users, const at::Tensor& beams) override {
    const at::NoGradGuard no_gradients;
    const at::Tensor rows = (users.unsqueeze(1) * beams_ + beams).reshape({-1});
    for (KeyValue& cache : own_) cache.Select(rows);
    if (!AllStay(users, users_)) {
      for (KeyValue& cache : prompt_) cache.Select(users);
      if (prompt_mask_.defined()) prompt_mask_ = prompt_mask_.index_select(0, users);
      const at::Tensor kept = users.cpu();
      std::vector<int64_t> lengths;
      for (int64_t u = 0; u < kept.size(0); ++u)
        lengths.push_back(lengths_[static_cast<size_t>(kept[u].item<int64_t>())]);
      lengths_ = std::move(lengths);
    }
    users_ = users.size(0);
    beams_ = beams.size(1);
  }

  std::unique_ptr<GenerationState> Clone() const override {
    return std::make_unique<LlamaGeneration>(*this);  // no tensor is ever changed in place
  }

 private:
  // Computes keys and values of all prompts but their last tokens.
  void Prefill(const PackedBatch& prompts) {
    std::vector<int64_t> last, kept, kept_lengths;
    int64_t start = 0;
    for (const int64_t length : prompts.lengths) {
      last.push_back(start + length - 1);
      lengths_.push_back(length - 1);
      // A prompt of one token leaves nothing: its only token is computed, and masked.
      kept_lengths.push_back(std::max<int64_t>(1, length - 1));
      for (int64_t i = 0; i < kept_lengths.back(); ++i) kept.push_back(start + i);
      start += length;
    }
    const c10::Device device = prompts.tokens.device();
    start_tokens_ = prompts.tokens.index_select(0, torch::tensor(last, at::kLong).to(device));
    const PackedBatch input{
        .tokens = prompts.tokens.index_select(0, torch::tensor(kept, at::kLong).to(device)),
        .whole_words = {},
        .lengths = std::move(kept_lengths)};
    const PromptPadding padding = PadPrompts(input.lengths, lengths_, device);
    if (padding.mask.defined()) prompt_mask_ = padding.mask.view({users_, 1, 1, 1, 1, -1});
    // [tokens, key heads, head_dim] to [users, key heads, longest, head_dim].
    const auto pad = [&](const at::Tensor& packed) {
      return packed.index_select(0, padding.place)
          .view({users_, -1, packed.size(1), packed.size(2)})
          .transpose(1, 2)
          .contiguous();
    };
    context_.Run(input, {}, [&](const at::Tensor&, const LlamaContext::Heads& heads) {
      prompt_.push_back({pad(heads.key), pad(heads.value)});
    });
  }

  // Returns the rotation of the next `steps` positions of every continuation,
  // [users * beams * steps].
  Rotation RotationOf(int64_t steps) const {
    std::vector<int64_t> positions, lengths;
    for (const int64_t prompt : lengths_) {
      for (int64_t b = 0; b < beams_; ++b) {
        for (int64_t s = 0; s < steps; ++s) {
          positions.push_back(prompt + length_ + s);
          lengths.push_back(
              std::max<int64_t>(1, prompt));  // what the prompt's keys were turned for
        }
      }
    }
    return MakeRotation(context_.config.rotary, context_.config.head_dim,
                        torch::tensor(positions, at::kLong).to(start_tokens_.device()), lengths);
  }

  // Softmax over the user's prompt and the continuation's own tokens together. The beams of a user
  // are queries of one product with the prompt's keys; so are the query heads of one key head.
  at::Tensor Attention(const LlamaLayer& layer, size_t number, const at::Tensor& x,
                       const Rotation& rotation, int64_t steps) {
    const LlamaContext::Heads heads = context_.Project(layer, x, rotation);
    const int64_t kv = context_.config.num_key_value_heads, d = context_.config.head_dim;
    const int64_t rows = users_ * beams_;
    KeyValue& own = own_[number];
    const at::Tensor keys = heads.key.view({rows, steps, kv, d}).transpose(1, 2),
                     values = heads.value.view({rows, steps, kv, d}).transpose(1, 2);
    own.keys = own.keys.defined() ? at::cat({own.keys, keys}, 2) : keys.contiguous();
    own.values = own.values.defined() ? at::cat({own.values, values}, 2) : values.contiguous();

    const at::Tensor query = heads.query.view({users_, beams_, steps, kv, groups_, d});
    const KeyValue& prompt = prompt_[number];
    const int64_t prompt_length = prompt.keys.size(2), own_length = own.keys.size(2);
    // [users, key heads, groups, beams, steps, …] is the common order of both parts.
    const at::Tensor by_user = query.permute({0, 3, 4, 1, 2, 5}).reshape({users_ * kv, -1, d});
    at::Tensor prompt_scores =
        at::bmm(by_user, prompt.keys.view({users_ * kv, prompt_length, d}).transpose(1, 2))
            .view({users_, kv, groups_, beams_, steps, prompt_length})
            .div_(divisor_);
    if (prompt_mask_.defined()) prompt_scores.add_(prompt_mask_);
    const at::Tensor by_row = query.permute({0, 1, 3, 4, 2, 5}).reshape({rows * kv, -1, d});
    at::Tensor own_scores =
        at::bmm(by_row, own.keys.view({rows * kv, own_length, d}).transpose(1, 2))
            .view({users_, beams_, kv, groups_, steps, own_length})
            .permute({0, 2, 3, 1, 4, 5})
            .div_(divisor_);
    if (steps > 1) own_scores = own_scores + CausalMask(steps, own_length);
    const at::Tensor weights = at::softmax(at::cat({prompt_scores, own_scores}, -1), -1);
    const at::Tensor from_prompt =
        at::bmm(weights.narrow(-1, 0, prompt_length).reshape({users_ * kv, -1, prompt_length}),
                prompt.values.view({users_ * kv, prompt_length, d}))
            .view({users_, kv, groups_, beams_, steps, d})
            .permute({0, 3, 4, 1, 2, 5});
    const at::Tensor from_own = at::bmm(weights.narrow(-1, prompt_length, own_length)
                                            .permute({0, 3, 1, 2, 4, 5})
                                            .reshape({rows * kv, -1, own_length}),
                                        own.values.view({rows * kv, own_length, d}))
                                    .view({users_, beams_, kv, groups_, steps, d})
                                    .permute({0, 1, 4, 2, 3, 5});
    return context_.Apply(layer.o, (from_prompt + from_own).reshape({rows * steps, -1}));
  }

  // [steps, length]: what comes after a position is masked.
  at::Tensor CausalMask(int64_t steps, int64_t length) const {
    return at::full({steps, length}, std::numeric_limits<float>::lowest(),
                    at::TensorOptions().device(start_tokens_.device()))
        .triu_(length - steps + 1);
  }

  const LlamaContext context_;
  const int64_t groups_;  // query heads a key head
  const double divisor_;  // of the products of queries and keys
  int64_t users_, beams_ = 1, length_ = 0;
  std::vector<int64_t> lengths_;  // [users] prompt tokens in the cache
  at::Tensor start_tokens_;
  at::Tensor prompt_mask_;  // [users, 1, 1, 1, 1, longest]; undefined if none is padded
  std::vector<KeyValue> prompt_, own_;
};

}  // namespace

std::unique_ptr<GenerationState> MakeLlamaGeneration(const LlamaContext& context,
                                                     const PackedBatch& prompts) {
  return std::make_unique<LlamaGeneration>(context, prompts);
}

}  // namespace openp5::models

#ifndef OPENP5_PLATFORM_MODELS_COMMON_GENERATION_H_
#define OPENP5_PLATFORM_MODELS_COMMON_GENERATION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "platform/models/common/packed_batch.h"

namespace openp5::models {

// Token sequences being continued, with their cached keys and values: a grid of `users` prompts by
// `beams` continuations each. All continuations have the same length.
class GenerationState {
 public:
  virtual ~GenerationState() = default;

  // First token of every user's continuations, [users] int64, to be advanced before any other (T5:
  // the pad token; a causal model: the prompt's last token). As they were at the beginning.
  virtual at::Tensor start_tokens() const = 0;

  // Appends `tokens` [users, beams, steps] int64 and returns the hidden states at those positions
  // [users, beams, steps, d_model] float32, ready for Logits.
  virtual at::Tensor Advance(const at::Tensor& tokens) = 0;

  // Scores of every token after `hidden` [n, d_model]: [n, vocabulary] float32.
  virtual at::Tensor Logits(const at::Tensor& hidden) const = 0;

  // The grid becomes users `users` [new_users] int64 (numbers in the present grid), each with the
  // present beams `beams` [new_users, new_beams] int64 of that user, repeats allowed.
  virtual void Select(const at::Tensor& users, const at::Tensor& beams) = 0;

  // The same grid once more, to be continued in another way. Tensors are shared until they change.
  virtual std::unique_ptr<GenerationState> Clone() const = 0;
};

// What the constrained search needs of a model. Several threads may search at the same time, each
// with a state of its own, unless the model is in training mode.
class GenerativeModel {
 public:
  virtual ~GenerativeModel() = default;

  // Reads the prompts; the state starts with one empty continuation a user. No gradients.
  virtual std::unique_ptr<GenerationState> Begin(const PackedBatch& prompts) = 0;
  virtual int64_t vocabulary_size() const = 0;
};

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_GENERATION_H_

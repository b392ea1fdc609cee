#ifndef OPENP5_TRAINERS_LOSS_H_
#define OPENP5_TRAINERS_LOSS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace openp5::trainers {

// OpenP5's loss: the mean over each example's tokens, then over the examples, so that every example
// counts the same however long its label is. `token_losses` [sum of lengths] float32 in the order
// of the examples. Returns a scalar. Differentiable.
at::Tensor MeanOfExampleMeans(const at::Tensor& token_losses, const std::vector<int64_t>& lengths);

// The mean over all label tokens, as transformers' causal models have it.
at::Tensor MeanOfTokens(const at::Tensor& token_losses, const std::vector<int64_t>& lengths);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_LOSS_H_

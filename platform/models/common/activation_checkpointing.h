#ifndef OPENP5_PLATFORM_MODELS_COMMON_ACTIVATION_CHECKPOINTING_H_
#define OPENP5_PLATFORM_MODELS_COMMON_ACTIVATION_CHECKPOINTING_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace openp5::models {

// A part of a model: a function of its inputs, of parameters, and of the default random generator
// of the inputs' device.
using ModelPart = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;

// `part(inputs)`, of which only the inputs are kept for the gradients: backward computes the part a
// second time, with the random numbers of the first (gradient checkpointing: Chen et al., 2016,
// section 4). Where no gradient is wanted the same as a call of `part`. At least one input, all
// defined. What `part` refers to must live until backward. Gradients of parameters come to
// Tensor::grad as with Tensor::backward, the only way to run it.
at::Tensor Checkpoint(const ModelPart& part, const std::vector<at::Tensor>& inputs);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_ACTIVATION_CHECKPOINTING_H_

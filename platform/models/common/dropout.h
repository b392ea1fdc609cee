#ifndef OPENP5_PLATFORM_MODELS_COMMON_DROPOUT_H_
#define OPENP5_PLATFORM_MODELS_COMMON_DROPOUT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace openp5::models {

// The parts of a dropout (Srivastava et al., 2014), for layers that keep the mask for their
// gradients. LibTorch's own draws one number an element on one thread, which is a tenth of a
// training step.

// Which elements of a tensor like `x` stay: bool of its shape and device, contiguous, each true
// with 1 - probability (on a CPU to within 1/65536). Drawn from the device's default generator, of
// which a CPU takes one number, unless OwnDropoutMasks says otherwise; the same on any number of
// threads.
at::Tensor DropoutMask(const at::Tensor& x, double probability);

// From its making to its end, the masks that this thread draws for a CPU come from a generator of
// its own that starts at `seed`, in the place of the default one: threads that draw side by side
// then do not depend on each other. One at a time on a thread.
class OwnDropoutMasks {
 public:
  explicit OwnDropoutMasks(uint64_t seed);
  ~OwnDropoutMasks();
  OwnDropoutMasks(const OwnDropoutMasks&) = delete;
  OwnDropoutMasks& operator=(const OwnDropoutMasks&) = delete;
};

// `x` / (1 - probability) where `mask` is true, else 0. Without gradients.
at::Tensor ApplyDropout(const at::Tensor& x, const at::Tensor& mask, double probability);
// The same with max(x, 0).
at::Tensor ApplyReluDropout(const at::Tensor& x, const at::Tensor& mask, double probability);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_DROPOUT_H_

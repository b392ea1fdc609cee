#ifndef OPENP5_TRAINERS_OPTIMIZER_H_
#define OPENP5_TRAINERS_OPTIMIZER_H_

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::trainers {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-6;  // added to the uncorrected root of the second moment
  double weight_decay = 0.01;
  double clip = 1.0;  // largest total norm of the gradients; 0 or less: not clipped
  // torch's form: epsilon is added to the corrected root, and the decay comes before the update.
  bool torch_form = false;
  // Parameters whose names hold one of these are not decayed. OpenP5's for T5, whose norms are
  // called "layer_norm.weight" and so are decayed.
  std::vector<std::string> undecayed = {"bias", "LayerNorm.weight"};

  bool IsDecayed(std::string_view name) const;
};

// AdamW (Loshchilov and Hutter, 2019) in the form of Hugging Face's optimizer, which OpenP5 trains
// with: step = lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps), and only after it
// w -= lr * decay * w; or in torch's form. Not thread-safe. Memory: two float32 values a parameter.
class AdamW {
 public:
  // `parameters` are float32 leaves that require gradients; they are changed in place.
  AdamW(NamedTensors parameters, const AdamWOptions& options);

  // One update from the parameters' gradients, whose content is undefined afterwards. A parameter
  // without a gradient stays as it is. Returns the total norm of the gradients before clipping; if
  // it is not finite nothing is changed.
  double Step(double learning_rate);
  // Drops all gradients.
  void ZeroGradients();

  // Moments and step counts as "<parameter>.exp_avg", ".exp_avg_sq", ".step"; they share memory.
  NamedTensors State() const;
  // Copies such tensors in. DataLoss naming the tensor if one is missing or has another shape.
  absl::Status LoadState(const NamedTensors& state);

 private:
  struct Slot {
    std::string name;
    at::Tensor parameter, first_moment, second_moment, step;
    bool decayed;
  };
  std::vector<Slot> slots_;
  AdamWOptions options_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_OPTIMIZER_H_

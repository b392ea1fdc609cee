#include "platform/models/layers.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

namespace openp5::models {
namespace {

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, double epsilon) {
    const at::Tensor scale = x.square().mean(-1, /*keepdim=*/true).add_(epsilon).rsqrt_();
    context->save_for_backward({x, weight, scale});
    return (x * scale).mul_(weight);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &scale = saved[2];
    const at::Tensor normed = x * scale;
    const at::Tensor d_weight = (gradients[0] * normed).sum(0);
    at::Tensor d_normed = gradients[0] * weight;
    const at::Tensor along = (d_normed * normed).mean(-1, /*keepdim=*/true);
    return {d_normed.addcmul_(normed, along, -1).mul_(scale), d_weight, at::Tensor()};
  }
};

}  // namespace

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  return RmsNormFunction::apply(x, weight, epsilon);
}

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, c10::ScalarType compute_type) {
  // Each conversion to the type a tensor has already costs nothing.
  return at::linear(x.to(compute_type), weight.to(compute_type)).to(at::kFloat);
}

void Matrix::Quantize() {
  int8 = QuantizeRows(weight.detach().to(at::kFloat));
  weight = at::Tensor();
}

at::Tensor Linear(const at::Tensor& x, const Matrix& matrix, c10::ScalarType compute_type) {
  return matrix.int8.defined() ? Int8Linear(x, matrix.int8)
                               : Linear(x, matrix.weight, compute_type);
}

at::Tensor Dropout(const at::Tensor& x, double probability) {
  return probability > 0 ? std::get<0>(at::native_dropout(x, probability, /*train=*/true)) : x;
}

}  // namespace openp5::models

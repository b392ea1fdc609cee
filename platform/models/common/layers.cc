#include "platform/models/common/layers.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include "platform/models/common/dropout.h"
#include "platform/models/common/rms_norm.h"

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
    const auto [x, weight] = RmsNormGradients(gradients[0], saved[0], saved[1], saved[2]);
    return {x, weight, at::Tensor()};
  }
};

class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            double probability) {
    const at::Tensor mask = DropoutMask(x, probability);
    context->save_for_backward({mask});
    context->saved_data["probability"] = probability;
    return ApplyDropout(x, mask, probability);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    return {ApplyDropout(gradients[0], context->get_saved_variables()[0],
                         context->saved_data["probability"].toDouble()),
            at::Tensor()};
  }
};

class ReluDropoutFunction : public torch::autograd::Function<ReluDropoutFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            double probability) {
    const at::Tensor y = ApplyReluDropout(x, DropoutMask(x, probability), probability);
    context->save_for_backward({y});
    context->saved_data["probability"] = probability;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    // Zero both where x was not positive and where it was dropped.
    return {ApplyDropout(gradients[0], context->get_saved_variables()[0] > 0,
                         context->saved_data["probability"].toDouble()),
            at::Tensor()};
  }
};

// LibTorch's float32 products come from MKL, which has no AVX-512 for AMD's processors; oneDNN,
// which LibTorch brings too but keeps for other types, has.
const std::optional<c10::OperatorHandle>& OneDnnOperator() {
  static const auto* const found = [] {
    const auto capabilities = at::cpu::get_cpu_capabilities();
    const auto avx512 = capabilities.find("avx512_f");
    const bool worthwhile =
        avx512 != capabilities.end() && avx512->second.isBool() && avx512->second.toBool();
    return new std::optional<c10::OperatorHandle>(
        worthwhile ? c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""})
                   : std::nullopt);
  }();
  return *found;
}

// oneDNN takes some 20 µs longer to get going: worth it only for products that take ten times that.
constexpr int64_t kLargeProduct = int64_t{1} << 24;

bool UsesOneDnn(const at::Tensor& x, const at::Tensor& weight) {
  return x.dim() == 2 && x.is_cpu() && x.scalar_type() == at::kFloat &&
         x.numel() * weight.size(0) >= kLargeProduct && OneDnnOperator().has_value();
}

at::Tensor OneDnnProduct(const at::Tensor& x, const at::Tensor& weight) {
  std::vector<c10::IValue> stack = {x,
                                    weight,
                                    /*bias=*/c10::IValue(),
                                    /*attr=*/"none",
                                    /*scalars=*/c10::List<std::optional<at::Scalar>>(),
                                    /*algorithm=*/""};
  OneDnnOperator()->callBoxed(&stack);
  return stack.front().toTensor();
}

// x weightᵀ. The operator has no gradient of its own.
class LinearFunction : public torch::autograd::Function<LinearFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight) {
    context->save_for_backward({x, weight});
    return OneDnnProduct(x, weight);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    torch::autograd::variable_list result(2);
    if (context->needs_input_grad(0)) {
      result[0] = OneDnnProduct(gradients[0].contiguous(), weight.t());
    }
    // Summed over rows; MKL is as fast at that.
    if (context->needs_input_grad(1)) result[1] = at::mm(gradients[0].t(), x);
    return result;
  }
};

}  // namespace

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  return RmsNormFunction::apply(x, weight, epsilon);
}

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, c10::ScalarType compute_type) {
  if (compute_type == at::kFloat && weight.scalar_type() == at::kFloat && UsesOneDnn(x, weight)) {
    return LinearFunction::apply(x, weight);
  }
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
  return probability > 0 ? DropoutFunction::apply(x, probability) : x;
}

at::Tensor ReluDropout(const at::Tensor& x, double probability) {
  return probability > 0 ? ReluDropoutFunction::apply(x, probability) : x.relu();
}

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels, double smoothing) {
  constexpr int64_t kIgnored = -100;  // torch's default; no token
  return at::cross_entropy_loss(logits, labels, {}, at::Reduction::None, kIgnored, smoothing);
}

}  // namespace openp5::models

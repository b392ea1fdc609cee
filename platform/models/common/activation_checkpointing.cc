#include "platform/models/common/activation_checkpointing.h"

#include <ATen/Context.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <mutex>

namespace openp5::models {
namespace {

at::Tensor RandomState(at::Generator& generator) {
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

void SetRandomState(at::Generator& generator, const at::Tensor& state) {
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

// What backward needs besides the inputs.
struct Recipe : torch::CustomClassHolder {
  Recipe(ModelPart p, at::Tensor s) : part(std::move(p)), random_state(std::move(s)) {}
  ModelPart part;
  at::Tensor random_state;  // before the part
};

class CheckpointFunction : public torch::autograd::Function<CheckpointFunction> {
 public:
  // `anchor` wants a gradient, so that backward comes here for the parameters' sake where no input
  // wants one.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& anchor,
                            at::TensorList inputs, const ModelPart& part) {
    static_cast<void>(anchor);
    at::Generator generator = at::globalContext().defaultGenerator(inputs[0].device());
    context->save_for_backward(inputs.vec());
    context->saved_data["recipe"] =
        c10::IValue::make_capsule(c10::make_intrusive<Recipe>(part, RandomState(generator)));
    return part(inputs.vec());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto holder = context->saved_data["recipe"].toCapsule();
    const auto* recipe = static_cast<const Recipe*>(holder.get());
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& input : context->get_saved_variables())
      inputs.push_back(input.detach().requires_grad_(input.requires_grad()));
    at::Generator generator = at::globalContext().defaultGenerator(inputs[0].device());
    const at::Tensor present = RandomState(generator);
    SetRandomState(generator, recipe->random_state);
    at::Tensor output;
    {
      const c10::AutoGradMode with_gradients(true);
      output = recipe->part(inputs);
    }
    SetRandomState(generator, present);
    if (output.requires_grad()) torch::autograd::backward({output}, {gradients[0]});
    torch::autograd::variable_list result = {at::Tensor()};
    for (const at::Tensor& input : inputs) result.push_back(input.grad());
    result.emplace_back();
    return result;
  }
};

}  // namespace

at::Tensor Checkpoint(const ModelPart& part, const std::vector<at::Tensor>& inputs) {
  if (!c10::GradMode::is_enabled()) return part(inputs);
  const at::Tensor anchor = at::zeros({0}, inputs[0].options()).requires_grad_(true);
  return CheckpointFunction::apply(anchor, at::TensorList(inputs), part);
}

}  // namespace openp5::models

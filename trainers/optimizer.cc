#include "trainers/optimizer.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace openp5::trainers {
namespace {

// What the fused kernel takes: parallel lists of the parameters that have a gradient and are at the
// same step.
struct Lists {
  std::vector<at::Tensor> parameters, gradients, first_moments, second_moments, steps, decayed;
};

// The norms of a tensor's blocks, [blocks]. LibTorch sums up many numbers in parts, one a thread,
// which would make the last bits depend on their number; it leaves a block to one thread.
at::Tensor BlockNorms(const at::Tensor& tensor) {
  constexpr int64_t kBlock = 16384;
  const at::Tensor numbers = tensor.reshape({-1});
  const int64_t blocks = numbers.numel() / kBlock, rest = numbers.numel() % kBlock;
  const auto norms = [&](int64_t first, int64_t count, int64_t size) {
    return at::linalg_vector_norm(numbers.narrow(0, first, count * size).view({count, size}), 2,
                                  {1});
  };
  if (blocks == 0) return norms(0, 1, rest);
  if (rest == 0) return norms(0, blocks, kBlock);
  return at::cat({norms(0, blocks, kBlock), norms(blocks * kBlock, 1, rest)});
}

double TotalNorm(const std::vector<at::Tensor>& gradients) {
  std::vector<at::Tensor> parts;
  for (const at::Tensor& gradient : gradients) parts.push_back(BlockNorms(gradient));
  at::Tensor norms = at::cat(parts);
  while (norms.numel() > 1) norms = BlockNorms(norms);
  return norms.item<double>();
}

}  // namespace

bool AdamWOptions::IsDecayed(std::string_view name) const {
  return std::none_of(undecayed.begin(), undecayed.end(), [&](const std::string& part) {
    return name.find(part) != std::string_view::npos;
  });
}

AdamW::AdamW(NamedTensors parameters, const AdamWOptions& options) : options_(options) {
  const c10::AutoGradMode no_gradients(false);
  for (auto& [name, parameter] : parameters) {
    slots_.push_back({.name = name,
                      .parameter = parameter,
                      .first_moment = at::zeros_like(parameter),
                      .second_moment = at::zeros_like(parameter),
                      .step = at::zeros({}, parameter.options().requires_grad(false)),
                      .decayed = options.IsDecayed(name)});
  }
}

double AdamW::Step(double learning_rate) {
  const c10::AutoGradMode no_gradients(false);
  std::map<double, Lists> by_step;
  std::vector<at::Tensor> gradients;
  for (const Slot& slot : slots_) {
    if (!slot.parameter.grad().defined()) continue;
    gradients.push_back(slot.parameter.grad());
    Lists& lists = by_step[slot.step.item<double>() + 1];
    lists.parameters.push_back(slot.parameter);
    lists.gradients.push_back(gradients.back());
    lists.first_moments.push_back(slot.first_moment);
    lists.second_moments.push_back(slot.second_moment);
    lists.steps.push_back(slot.step);
    if (slot.decayed) lists.decayed.push_back(slot.parameter);
  }
  if (gradients.empty()) return 0;
  const double norm = TotalNorm(gradients);
  if (!std::isfinite(norm)) return norm;
  // The kernel divides gradients by its scale: clipping costs no pass of its own.
  const double excess = options_.clip > 0 ? (norm + 1e-6) / options_.clip : 1.0;
  std::optional<at::Tensor> scale;
  if (excess > 1.0) scale = at::full({}, excess, gradients.front().options());
  for (auto& [step, lists] : by_step) {
    at::_foreach_add_(lists.steps, 1.0);
    // The kernel adds epsilon to the corrected root sqrt(v) / c, c = sqrt(1 - b2^t). Divided by c
    // it becomes one on the uncorrected root: m / (sqrt(v) / c + e / c) = c m / (sqrt(v) + e).
    const double correction =
        options_.torch_form ? 1.0 : std::sqrt(1.0 - std::pow(options_.beta2, step));
    const double decay = options_.weight_decay;
    const bool decays = decay != 0 && !lists.decayed.empty();
    if (options_.torch_form && decays)
      at::_foreach_mul_(lists.decayed, 1.0 - learning_rate * decay);
    at::_fused_adamw_(lists.parameters, lists.gradients, lists.first_moments, lists.second_moments,
                      {}, lists.steps, learning_rate, options_.beta1, options_.beta2,
                      /*weight_decay=*/0.0, options_.epsilon / correction, /*amsgrad=*/false,
                      /*maximize=*/false, scale);
    if (!options_.torch_form && decays)
      at::_foreach_mul_(lists.decayed, 1.0 - learning_rate * decay);
  }
  return norm;
}

void AdamW::ZeroGradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad().reset();
}

NamedTensors AdamW::State() const {
  NamedTensors state;
  for (const Slot& slot : slots_) {
    state.emplace_back(slot.name + ".exp_avg", slot.first_moment);
    state.emplace_back(slot.name + ".exp_avg_sq", slot.second_moment);
    state.emplace_back(slot.name + ".step", slot.step);
  }
  return state;
}

absl::Status AdamW::LoadState(const NamedTensors& state) {
  const c10::AutoGradMode no_gradients(false);
  std::map<std::string_view, const at::Tensor*> by_name;
  for (const auto& [name, tensor] : state) by_name[name] = &tensor;
  const NamedTensors own = State();
  for (const auto& [name, tensor] : own) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return DataLoss("optimizer state: '", name, "' is missing");
    if (found->second->sizes() != tensor.sizes()) {
      return DataLoss("optimizer state: '", name, "' has another shape than the model");
    }
  }
  for (const auto& [name, tensor] : own) tensor.copy_(*by_name[name]);
  return absl::OkStatus();
}

}  // namespace openp5::trainers

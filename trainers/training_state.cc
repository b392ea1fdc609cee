#include "trainers/training_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <mutex>

#include "checkpoints/safetensors.h"
#include "platform/tensor/runtime.h"

namespace openp5::trainers {
namespace {

constexpr char kWeightPrefix[] = "weight.";
constexpr char kPosition[] = "training.position";    // epoch, batch, step, loss_count, best_epoch
constexpr char kMeasured[] = "training.measured";    // loss_sum, best_value
constexpr char kGenerator[] = "training.generator";  // opaque bytes

at::Generator DefaultGenerator(c10::Device device) {
  return device.is_cpu() ? at::detail::getDefaultCPUGenerator()
                         : at::globalContext().defaultGenerator(device);
}

template <class T>
at::Tensor Row(std::initializer_list<T> values, c10::ScalarType type) {
  at::Tensor row = at::empty({static_cast<int64_t>(values.size())}, type);
  std::copy(values.begin(), values.end(), row.mutable_data_ptr<T>());
  return row;
}

absl::StatusOr<const at::Tensor*> Find(const NamedTensors& state, const std::string& path,
                                       const std::string& name, at::IntArrayRef sizes,
                                       c10::ScalarType type) {
  const at::Tensor* tensor = FindTensor(state, name);
  if (tensor == nullptr) return DataLoss(path, ": tensor '", name, "' is missing");
  if (tensor->sizes() != sizes || tensor->scalar_type() != type) {
    return DataLoss(path, ": tensor '", name, "' has another shape or type than the run's model");
  }
  return tensor;
}

absl::StatusOr<TrainingPosition> ReadPosition(const NamedTensors& state, const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const at::Tensor* place, Find(state, path, kPosition, {5}, at::kLong));
  OPENP5_ASSIGN_OR_RETURN(const at::Tensor* measured,
                          Find(state, path, kMeasured, {2}, at::kDouble));
  const int64_t* counts = place->const_data_ptr<int64_t>();
  const double* values = measured->const_data_ptr<double>();
  const TrainingPosition position{.epoch = counts[0],
                                  .batch = counts[1],
                                  .step = counts[2],
                                  .loss_sum = values[0],
                                  .loss_count = counts[3],
                                  .best_value = values[1],
                                  .best_epoch = counts[4]};
  if (position.epoch < 0 || position.batch < 0 || position.step < 0 || position.loss_count < 0) {
    return DataLoss(path, ": tensor '", kPosition, "' has a negative count");
  }
  return position;
}

}  // namespace

void SeedDefaultGenerator(c10::Device device, uint64_t seed) {
  at::Generator generator = DefaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(seed);
}

absl::Status SaveTrainingState(const std::string& path, const NamedTensors& weights,
                               const AdamW& optimizer, const TrainingPosition& position,
                               c10::Device device) {
  NamedTensors state = optimizer.State();
  for (const auto& [name, tensor] : weights) state.emplace_back(kWeightPrefix + name, tensor);
  state.emplace_back(kPosition, Row<int64_t>({position.epoch, position.batch, position.step,
                                              position.loss_count, position.best_epoch},
                                             at::kLong));
  state.emplace_back(kMeasured, Row<double>({position.loss_sum, position.best_value}, at::kDouble));
  {
    at::Generator generator = DefaultGenerator(device);
    const std::lock_guard lock(generator.mutex());
    state.emplace_back(kGenerator, generator.get_state());
  }
  return checkpoints::WriteSafetensors(path, state, {{"format", "openp5-training-state-1"}});
}

absl::StatusOr<TrainingPosition> LoadTrainingState(const std::string& path,
                                                   const NamedTensors& weights, AdamW* optimizer,
                                                   c10::Device device) {
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors state, checkpoints::ReadSafetensors(path));
  OPENP5_ASSIGN_OR_RETURN(const TrainingPosition position, ReadPosition(state, path));
  const at::Tensor* generator_state = FindTensor(state, kGenerator);
  if (generator_state == nullptr) return DataLoss(path, ": tensor '", kGenerator, "' is missing");
  std::vector<const at::Tensor*> sources;
  for (const auto& [name, tensor] : weights) {
    OPENP5_ASSIGN_OR_RETURN(const at::Tensor* source, Find(state, path, kWeightPrefix + name,
                                                           tensor.sizes(), tensor.scalar_type()));
    sources.push_back(source);
  }
  OPENP5_RETURN_IF_ERROR(Annotate(optimizer->LoadState(state), path));
  const c10::AutoGradMode no_gradients(false);
  for (size_t i = 0; i < sources.size(); ++i) weights[i].second.copy_(*sources[i]);
  OPENP5_RETURN_IF_ERROR(CatchTorch(path, [&] {
    at::Generator generator = DefaultGenerator(device);
    const std::lock_guard lock(generator.mutex());
    generator.set_state(*generator_state);
    return absl::OkStatus();
  }));
  return position;
}

}  // namespace openp5::trainers

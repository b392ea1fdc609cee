#include "trainers/training_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoints/safetensors.h"
#include "platform/base/random.h"

namespace openp5::trainers {
namespace {

constexpr std::string_view kWeightPrefix = "weight.";
constexpr char kPosition[] = "training.position";  // JSON text, bytes

absl::StatusOr<const at::Tensor*> Find(const NamedTensors& state, const std::string& path,
                                       const std::string& name, const at::Tensor& like) {
  const at::Tensor* tensor = FindTensor(state, name);
  if (tensor == nullptr) return DataLoss(path, ": tensor '", name, "' is missing");
  if (tensor->sizes() != like.sizes() || tensor->scalar_type() != like.scalar_type()) {
    return DataLoss(path, ": tensor '", name, "' has another shape or type than the run's model");
  }
  return tensor;
}

absl::StatusOr<TrainingPosition> ReadPosition(const NamedTensors& state, const std::string& path) {
  const at::Tensor* bytes = FindTensor(state, kPosition);
  if (bytes == nullptr || bytes->scalar_type() != at::kByte) {
    return DataLoss(path, ": tensor '", kPosition, "' is missing or of another version");
  }
  const std::string text(static_cast<const char*>(bytes->const_data_ptr()),
                         static_cast<size_t>(bytes->numel()));
  absl::StatusOr<TrainingPosition> position = TrainingPosition::FromText(text);
  OPENP5_RETURN_IF_ERROR(Annotate(position.status(), path));
  return position;
}

}  // namespace

LossMean Joined(const std::vector<LossMean>& means) {
  LossMean all;
  for (const LossMean& mean : means) {
    all.sum += mean.sum;
    all.weight += mean.weight;
  }
  return all;
}

std::string TrainingPosition::ToText() const {
  nlohmann::json json = {{"epoch", epoch},
                         {"batch", batch},
                         {"step", step},
                         {"world_size", world_size},
                         {"log_bytes", log_bytes},
                         {"tested_epoch", tested_epoch},
                         {"frozen", frozen},
                         {"train_loss", train_loss},
                         {"validation_loss", validation_loss},
                         {"losses", nlohmann::json::array()},
                         {"best", nlohmann::json::array()}};
  for (const LossMean& mean : losses) json["losses"].push_back({mean.sum, mean.weight});
  for (const EpochValue& one : best) json["best"].push_back({one.epoch, one.value});
  return json.dump();
}

absl::StatusOr<TrainingPosition> TrainingPosition::FromText(const std::string& text) {
  TrainingPosition position;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, int64_t*>>{{"epoch", &position.epoch},
                                                       {"batch", &position.batch},
                                                       {"step", &position.step},
                                                       {"world_size", &position.world_size},
                                                       {"log_bytes", &position.log_bytes},
                                                       {"tested_epoch", &position.tested_epoch}}) {
      *value = json.at(name).get<int64_t>();
      if (*value < 0) return DataLoss("training position: ", name, " is negative");
    }
    json.at("train_loss").get_to(position.train_loss);
    json.at("validation_loss").get_to(position.validation_loss);
    position.frozen = json.value("frozen", "");  // absent in states that hold every weight
    for (const nlohmann::json& mean : json.at("losses")) {
      position.losses.push_back({mean.at(0).get<double>(), mean.at(1).get<double>()});
    }
    for (const nlohmann::json& one : json.at("best")) {
      position.best.push_back({one.at(0).get<int64_t>(), one.at(1).get<double>()});
    }
  } catch (const nlohmann::json::exception& error) {
    return DataLoss("training position: ", error.what());
  }
  if (position.world_size < 1) return DataLoss("training position: world_size is 0");
  return position;
}

NamedTensors CopyTrainingState(const NamedTensors& weights, const AdamW& optimizer,
                               const TrainingPosition& position) {
  const c10::AutoGradMode no_gradients(false);
  NamedTensors state;
  const auto add = [&](std::string name, const at::Tensor& tensor) {
    state.emplace_back(std::move(name), tensor.detach().to(at::kCPU, false, /*copy=*/true));
  };
  for (const auto& [name, tensor] : optimizer.State()) add(name, tensor);
  for (const auto& [name, tensor] : weights) add(StrCat(kWeightPrefix, name), tensor);
  const std::string text = position.ToText();
  at::Tensor bytes = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::copy(text.begin(), text.end(), static_cast<char*>(bytes.mutable_data_ptr()));
  state.emplace_back(kPosition, bytes);
  return state;
}

NamedTensors WeightsOfState(const NamedTensors& state) {
  NamedTensors weights;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with(kWeightPrefix)) {
      weights.emplace_back(name.substr(kWeightPrefix.size()), tensor);
    }
  }
  return weights;
}

absl::Status WriteTrainingState(const std::string& path, const NamedTensors& state) {
  return checkpoints::WriteSafetensors(path, state, {{"format", "openp5-training-state-2"}});
}

absl::StatusOr<TrainingPosition> LoadTrainingState(const std::string& path,
                                                   const NamedTensors& weights, AdamW* optimizer) {
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors state, checkpoints::ReadSafetensors(path));
  OPENP5_ASSIGN_OR_RETURN(TrainingPosition position, ReadPosition(state, path));
  std::vector<const at::Tensor*> sources;
  for (const auto& [name, tensor] : weights) {
    OPENP5_ASSIGN_OR_RETURN(const at::Tensor* source,
                            Find(state, path, StrCat(kWeightPrefix, name), tensor));
    sources.push_back(source);
  }
  OPENP5_RETURN_IF_ERROR(Annotate(optimizer->LoadState(state), path));
  const c10::AutoGradMode no_gradients(false);
  for (size_t i = 0; i < sources.size(); ++i) weights[i].second.copy_(*sources[i]);
  return position;
}

void SeedForBatch(c10::Device device, uint64_t seed, const BatchPlace& place) {
  uint64_t mixed = SplitMix64(seed);
  for (const int64_t part : {place.epoch, place.batch, place.rank}) {
    mixed = SplitMix64(mixed ^ static_cast<uint64_t>(part));
  }
  at::Generator generator = device.is_cpu() ? at::detail::getDefaultCPUGenerator()
                                            : at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(mixed & 0xFFFFFFFFu);  // the CPU's generator takes 32 bits
}

}  // namespace openp5::trainers

#include "trainers/training_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "platform/base/digest.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/random.h"
#include "platform/tensor/safetensors.h"

namespace openp5::trainers {
namespace {

constexpr std::string_view kWeightPrefix = "weight.";
constexpr char kPosition[] = "training.position";  // JSON text, bytes
constexpr char kDigest[] = "training.sha256";      // of all other tensors, hexadecimal, bytes

// JSON has no word for a value that is no number: it is written as null.
double NumberOrNan(const nlohmann::json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

absl::StatusOr<const at::Tensor*> Find(const NamedTensors& state, const std::string& path,
                                       const std::string& name, const at::Tensor& like) {
  const at::Tensor* tensor = FindTensor(state, name);
  if (tensor == nullptr) return DataLoss(path, ": tensor '", name, "' is missing");
  if (tensor->sizes() != like.sizes() || tensor->scalar_type() != like.scalar_type()) {
    return DataLoss(path, ": tensor '", name, "' has another shape or type than the run's model");
  }
  return tensor;
}

at::Tensor BytesTensor(const std::string& text) {
  at::Tensor bytes = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::copy(text.begin(), text.end(), static_cast<char*>(bytes.mutable_data_ptr()));
  return bytes;
}

std::string_view BytesOf(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

absl::StatusOr<std::string> ReadText(const NamedTensors& state, const std::string& path,
                                     const char* name) {
  const at::Tensor* bytes = FindTensor(state, name);
  if (bytes == nullptr || bytes->scalar_type() != at::kByte) {
    return DataLoss(path, ": tensor '", std::string_view(name),
                    "' is missing or of another version");
  }
  return std::string(BytesOf(*bytes));
}

// SHA-256 of the names, types, shapes and bytes of all tensors but the digest itself, by name. The
// header of the file says nothing else, so that no bit of it can change without a word.
std::string DigestOf(const NamedTensors& state) {
  std::map<std::string_view, const at::Tensor*> by_name;
  for (const auto& [name, tensor] : state) by_name.emplace(name, &tensor);
  by_name.erase(kDigest);
  Sha256 digest;
  for (const auto& [name, tensor] : by_name) {
    std::string head = StrCat(name.size(), ":", name, " ", c10::toString(tensor->scalar_type()));
    for (const int64_t size : tensor->sizes()) head += StrCat(" ", size);
    digest.Update(StrCat(head, "\n"));
    digest.Update(BytesOf(*tensor));
  }
  return digest.Finish();
}

absl::Status CheckDigest(const NamedTensors& state, const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string expected, ReadText(state, path, kDigest));
  const std::string digest = DigestOf(state);
  if (digest == expected) return absl::OkStatus();
  return DataLoss(path, ": expected SHA-256 ", absl::CHexEscape(expected), ", got ", digest,
                  "; the run cannot go on from a damaged state; hint: train again in another "
                  "folder, the checkpoints beside it have digests of their own");
}

absl::StatusOr<TrainingPosition> ReadPosition(const NamedTensors& state, const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadText(state, path, kPosition));
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

absl::Status TrainingPosition::FitTo(const RunShape& run) {
  if (losses.size() != run.groups) {
    return DataLoss("training state: losses of ", losses.size(), " groups of ", run.groups);
  }
  if (world_size != run.processes) {
    LogInfo(StrCat("the run had ", world_size, " processes, now ", run.processes));
    const auto groups = static_cast<int64_t>(run.groups);
    batch = batch / groups * world_size / run.processes * groups;
    world_size = run.processes;
  }
  if (batch <= run.batches_per_epoch) return absl::OkStatus();
  return DataLoss("training state: batch ", batch, " of an epoch of ", run.batches_per_epoch);
}

std::string TrainingPosition::ToText() const {
  nlohmann::json json = {{"epoch", epoch},
                         {"batch", batch},
                         {"step", step},
                         {"world_size", world_size},
                         {"total_steps", total_steps},
                         {"log_bytes", log_bytes},
                         {"tested_epoch", tested_epoch},
                         {"frozen", frozen},
                         {"train_loss", train_loss},
                         {"validation_loss", validation_loss},
                         {"losses", nlohmann::json::array()},
                         {"best", nlohmann::json::array()}};
  for (const LossMean& mean : losses) json["losses"].push_back({mean.sum, mean.weight});
  for (const EpochValue& one : best) json["best"].push_back({one.epoch, one.value});
  return DumpJson(json);
}

absl::StatusOr<TrainingPosition> TrainingPosition::FromText(const std::string& text) {
  TrainingPosition position;
  OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(text, "training position"));
  try {
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, int64_t*>>{{"epoch", &position.epoch},
                                                       {"batch", &position.batch},
                                                       {"step", &position.step},
                                                       {"world_size", &position.world_size},
                                                       {"total_steps", &position.total_steps},
                                                       {"log_bytes", &position.log_bytes},
                                                       {"tested_epoch", &position.tested_epoch}}) {
      *value = json.at(name).get<int64_t>();
      if (*value < 0) return DataLoss("training position: ", name, " is negative");
    }
    json.at("train_loss").get_to(position.train_loss);
    position.validation_loss = NumberOrNan(json.at("validation_loss"));
    position.frozen = json.value("frozen", "");  // absent in states that hold every weight
    for (const nlohmann::json& mean : json.at("losses")) {
      position.losses.push_back({mean.at(0).get<double>(), mean.at(1).get<double>()});
    }
    for (const nlohmann::json& one : json.at("best")) {
      position.best.push_back({one.at(0).get<int64_t>(), NumberOrNan(one.at(1))});
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
  state.emplace_back(kPosition, BytesTensor(position.ToText()));
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
  NamedTensors signed_state = state;
  signed_state.emplace_back(kDigest, BytesTensor(DigestOf(state)));
  return WriteSafetensors(path, signed_state);
}

absl::StatusOr<TrainingPosition> LoadTrainingState(const std::string& path,
                                                   const NamedTensors& weights, AdamW* optimizer) {
  OPENP5_ASSIGN_OR_RETURN(const NamedTensors state, ReadSafetensors(path));
  OPENP5_RETURN_IF_ERROR(CheckDigest(state, path));
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

uint64_t BatchSeed(uint64_t seed, const BatchPlace& place) {
  uint64_t mixed = SplitMix64(seed);
  for (const int64_t part : {place.epoch, place.batch, place.rank}) {
    mixed = SplitMix64(mixed ^ static_cast<uint64_t>(part));
  }
  return mixed;
}

void SeedGenerator(c10::Device device, uint64_t batch_seed) {
  at::Generator generator = device.is_cpu() ? at::detail::getDefaultCPUGenerator()
                                            : at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  generator.set_current_seed(batch_seed & 0xFFFFFFFFu);  // the CPU's generator takes 32 bits
}

}  // namespace openp5::trainers

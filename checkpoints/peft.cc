#include "checkpoints/peft.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "checkpoints/folder_kinds.h"
#include "checkpoints/printable.h"
#include "checkpoints/safetensors.h"
#include "checkpoints/torch_file.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/tensor/runtime.h"

namespace openp5::checkpoints {
namespace {

using nlohmann::json;

constexpr std::string_view kConfigName = "adapter_config.json";
constexpr std::string_view kWeightsName = "adapter_model.safetensors";
constexpr std::string_view kTorchName = "adapter_model.bin";
constexpr std::string_view kPrefix = "base_model.model.";

// Fields that say what the adapter is for or how it was trained: the result does not depend on
// them.
constexpr std::string_view kHarmless[] = {
    "auto_mapping",   "base_model_name_or_path", "exclude_modules", "inference_mode",
    "layers_pattern", "layers_to_transform",     "loftq_config",    "lora_dropout",
    "megatron_core",  "modules_to_save",         "peft_version",    "revision",
    "runtime_config", "target_modules",          "task_type",
};

bool IsUnset(const json& value) {
  return value.is_null() || value == false || (value.is_structured() && value.empty());
}

// True if `field`, which is set, leaves the adapter a plain LoRA of MergeAdapter's kind.
bool IsPlain(std::string_view field, const json& value) {
  if (field == "peft_type") return value == "LORA";
  if (field == "bias") return value == "none";
  // Other beginnings than these (PiSSA, LoftQ, …) also change the weights of the backbone.
  if (field == "init_lora_weights") return value == true || value == "gaussian";
  if (field == "r" || field == "lora_alpha" || field == "use_rslora") return true;
  return std::find(std::begin(kHarmless), std::end(kHarmless), field) != std::end(kHarmless);
}

absl::Status CheckConfig(const json& config, const std::string& where) {
  for (const auto& [field, value] : config.items()) {
    if (IsUnset(value) || IsPlain(field, value)) continue;
    return InvalidArgument(where, ": ", Printable(field), ": expected a plain LoRA adapter, got ",
                           JsonExcerpt(value), "; merge it with PEFT first");
  }
  if (!config.contains("peft_type")) return DataLoss(where, ": peft_type: expected LORA, got none");
  // A config made by a program may hold the same number as another type than a parsed one.
  if (!config.contains("r") || !config["r"].is_number_integer() ||
      config["r"].get<int64_t>() <= 0) {
    return DataLoss(where, ": r: expected a rank of at least 1");
  }
  if (!config.contains("lora_alpha") || !config["lora_alpha"].is_number()) {
    return DataLoss(where, ": lora_alpha: expected a number");
  }
  if (config.contains("use_rslora") && !config["use_rslora"].is_boolean()) {
    return DataLoss(where, ": use_rslora: expected true or false");
  }
  return absl::OkStatus();
}

absl::StatusOr<NamedTensors> ReadAdapterWeights(const std::string& folder) {
  if (const std::string path = JoinPath(folder, kWeightsName); FileExists(path)) {
    return ReadSafetensors(path);
  }
  if (const std::string path = JoinPath(folder, kTorchName); FileExists(path)) {
    return ReadTorchStateDict(path);
  }
  return NotFound("PEFT folder: ", folder, ": expected ", kWeightsName, " or ", kTorchName,
                  ", got none");
}

// Removes `suffix` from `name` if it ends so.
bool TakeSuffix(std::string_view suffix, std::string* name) {
  if (!name->ends_with(suffix)) return false;
  name->resize(name->size() - suffix.size());
  return true;
}

// What the adapter has for one layer; undefined tensors are not in it.
struct LayerUpdate {
  at::Tensor full, a, b;
  bool is_embedding = false;
};

absl::StatusOr<std::map<std::string, LayerUpdate>> ByLayer(const NamedTensors& tensors,
                                                           const std::string& where) {
  std::map<std::string, LayerUpdate> layers;
  for (const auto& [name, tensor] : tensors) {
    std::string layer = name;
    if (TakeSuffix(".lora_A.weight", &layer)) {
      layers[layer].a = tensor;
    } else if (TakeSuffix(".lora_B.weight", &layer)) {
      layers[layer].b = tensor;
    } else if (TakeSuffix(".lora_embedding_A", &layer)) {
      layers[layer].a = tensor;
      layers[layer].is_embedding = true;
    } else if (TakeSuffix(".lora_embedding_B", &layer)) {
      layers[layer].b = tensor;
      layers[layer].is_embedding = true;
    } else if (TakeSuffix(".base_layer.weight", &layer) || TakeSuffix(".weight", &layer)) {
      layers[layer].full = tensor;
    } else {
      return DataLoss(where, ": tensor '", Printable(name),
                      "': expected one of LoRA's or a layer's weight, got another");
    }
  }
  return layers;
}

absl::Status CheckUpdate(const LayerUpdate& update, int64_t rank, const std::string& where) {
  if (update.a.defined() != update.b.defined()) {
    return DataLoss(where, ": expected both of LoRA's factors, got one");
  }
  if (update.a.defined() && (update.a.dim() != 2 || update.b.dim() != 2 ||
                             update.a.size(0) != rank || update.b.size(1) != rank)) {
    return DataLoss(where, ": expected factors [", rank, ", n] and [m, ", rank,
                    "] as adapter_config.json says, got other shapes");
  }
  return absl::OkStatus();
}

absl::Status MergeLayer(const LayerUpdate& update, double scale, const std::string& where,
                        at::Tensor* weight) {
  if (update.full.defined()) *weight = update.full;
  if (!update.a.defined()) return absl::OkStatus();
  at::Tensor change = at::mm(update.b.to(at::kFloat), update.a.to(at::kFloat));
  if (update.is_embedding) change = change.t();
  if (change.sizes() != weight->sizes()) {
    return DataLoss(where, ": expected an update for a weight of ",
                    weight->dim() > 0 ? weight->size(0) : 0, " rows, got one for ", change.size(0),
                    "; hint: is --backbone the model the adapter was trained on?");
  }
  *weight = (weight->to(at::kFloat) + change * scale).to(weight->scalar_type()).contiguous();
  return absl::OkStatus();
}

}  // namespace

bool IsPeftFolder(const std::string& path) { return FileExists(JoinPath(path, kConfigName)); }

absl::StatusOr<PeftAdapter> ReadPeftAdapter(const std::string& path) {
  const std::string config_path = JoinPath(path, kConfigName);
  PeftAdapter adapter;
  OPENP5_ASSIGN_OR_RETURN(adapter.config, ReadJsonObject(config_path));
  OPENP5_RETURN_IF_ERROR(CheckConfig(adapter.config, config_path));
  OPENP5_ASSIGN_OR_RETURN(adapter.tensors, ReadAdapterWeights(path));
  for (auto& [name, tensor] : adapter.tensors) {
    if (!name.starts_with(kPrefix)) {
      return DataLoss(path, ": tensor '", Printable(name), "': expected a name that begins with ",
                      kPrefix);
    }
    name.erase(0, kPrefix.size());
  }
  return adapter;
}

absl::Status WritePeftAdapter(const std::string& path, const PeftAdapter& adapter,
                              const std::function<absl::Status(const std::string&)>& write_extras) {
  OPENP5_RETURN_IF_ERROR(CheckConfig(adapter.config, path));
  return WriteMarkedFolder(path, kPeftExport, [&](const std::string& folder) -> absl::Status {
    NamedTensors named;
    for (const auto& [name, tensor] : adapter.tensors) {
      named.emplace_back(std::string(kPrefix) + name, tensor);
    }
    OPENP5_RETURN_IF_ERROR(
        WriteSafetensors(JoinPath(folder, kWeightsName), named, {{"format", "pt"}}));
    if (write_extras) OPENP5_RETURN_IF_ERROR(write_extras(folder));
    return WriteJson(JoinPath(folder, kConfigName), adapter.config);
  });
}

absl::Status MergeAdapter(const PeftAdapter& adapter, const std::string& where,
                          NamedTensors* weights) {
  const auto rank = adapter.config["r"].get<int64_t>();
  const double alpha = adapter.config["lora_alpha"].get<double>();
  const bool by_root = adapter.config.value("use_rslora", false);
  const double scale =
      alpha / (by_root ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
  OPENP5_ASSIGN_OR_RETURN(const auto layers, ByLayer(adapter.tensors, where));
  for (const auto& [layer, update] : layers) {
    const std::string layer_where = StrCat(where, ": layer '", Printable(layer), "'");
    OPENP5_RETURN_IF_ERROR(CheckUpdate(update, rank, layer_where));
    at::Tensor* weight = FindTensor(weights, layer + ".weight");
    if (weight == nullptr) {
      return DataLoss(layer_where, ": expected it in the backbone, got no such layer");
    }
    OPENP5_RETURN_IF_ERROR(
        CatchTorch(layer_where, [&] { return MergeLayer(update, scale, layer_where, weight); }));
  }
  return absl::OkStatus();
}

}  // namespace openp5::checkpoints

#include "checkpoints/peft.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "checkpoints/folder_kinds.h"
#include "checkpoints/torch_file.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/printable.h"
#include "platform/tensor/runtime.h"
#include "platform/tensor/safetensors.h"

namespace openp5::checkpoints {
namespace {

using nlohmann::json;

constexpr std::string_view kConfigName = "adapter_config.json";
constexpr std::string_view kWeightsName = "adapter_model.safetensors";
constexpr std::string_view kTorchName = "adapter_model.bin";
constexpr std::string_view kPrefix = "base_model.model.";

// Fields that say what the adapter is for or how it was trained: the result does not depend on
// them. MergeAdapter heeds `modules_to_save`, `ensure_weight_tying` and `trainable_token_indices`.
constexpr std::string_view kHarmless[] = {
    "auto_mapping",        "base_model_name_or_path",
    "ensure_weight_tying", "eva_config",
    "exclude_modules",     "inference_mode",
    "layers_pattern",      "layers_to_transform",
    "loftq_config",        "lora_dropout",
    "megatron_core",       "modules_to_save",
    "peft_version",        "revision",
    "runtime_config",      "target_modules",
    "task_type",           "velora_config",
};

bool IsUnset(const json& value) {
  return value.is_null() || value == false || value == "" ||
         (value.is_structured() && value.empty());
}

// True for a setting of a feature that another field switches off: `qalora_group_size` with
// `use_qalora` false.
bool IsSwitchedOff(const json& config, std::string_view field) {
  for (const auto& [name, value] : config.items()) {
    constexpr std::string_view kSwitch = "use_";
    if (!name.starts_with(kSwitch) || !IsUnset(value)) continue;
    if (field.starts_with(name.substr(kSwitch.size()) + "_")) return true;
  }
  return false;
}

// True if `field`, which is set, leaves the adapter a plain LoRA of MergeAdapter's kind.
bool IsPlain(std::string_view field, const json& value) {
  if (field == "peft_type") return value == "LORA";
  if (field == "bias") return value == "none";
  // Beginnings that leave the backbone as it is. Others (PiSSA, OLoRA, LoftQ, …) change it.
  if (field == "init_lora_weights") {
    return value == true || value == "gaussian" || value == "eva" || value == "orthogonal";
  }
  if (field == "r" || field == "lora_alpha" || field == "use_rslora") return true;
  return std::find(std::begin(kHarmless), std::end(kHarmless), field) != std::end(kHarmless);
}

absl::Status CheckConfig(const json& config, const std::string& where) {
  for (const auto& [field, value] : config.items()) {
    if (IsUnset(value) || IsPlain(field, value) || IsSwitchedOff(config, field)) continue;
    if (field == "trainable_token_indices") continue;  // needs the tensors: CheckTokenRows
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

// Rows of tokens that are trained stand in the file, whatever else the field may have meant.
absl::Status CheckTokenRows(const PeftAdapter& adapter, const std::string& where) {
  const json tokens = adapter.config.value("trainable_token_indices", json());
  if (IsUnset(tokens)) return absl::OkStatus();
  for (const auto& [name, tensor] : adapter.tensors) {
    if (name.ends_with(".trainable_tokens_delta")) return absl::OkStatus();
  }
  return InvalidArgument(where,
                         ": trainable_token_indices: expected a plain LoRA adapter or one "
                         "with these tokens' rows, got ",
                         Printable(tokens.dump(-1, ' ', true)), " and no trainable_tokens_delta");
}

}  // namespace

bool IsPeftFolder(const std::string& path) { return FileExists(JoinPath(path, kConfigName)); }

absl::StatusOr<PeftAdapter> ReadPeftAdapter(const std::string& path) {
  const std::string config_path = JoinPath(path, kConfigName);
  PeftAdapter adapter;
  OPENP5_ASSIGN_OR_RETURN(adapter.config, ReadJsonObject(config_path));
  OPENP5_RETURN_IF_ERROR(CheckConfig(adapter.config, config_path));
  OPENP5_ASSIGN_OR_RETURN(adapter.tensors, ReadAdapterWeights(path));
  OPENP5_RETURN_IF_ERROR(CheckTokenRows(adapter, config_path));
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

}  // namespace openp5::checkpoints

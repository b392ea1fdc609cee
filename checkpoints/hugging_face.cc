#include "checkpoints/hugging_face.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"
#include "checkpoints/folder_kinds.h"
#include "checkpoints/inner_path.h"
#include "checkpoints/torch_file.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/printable.h"
#include "platform/tensor/safetensors.h"

namespace openp5::checkpoints {
namespace {

using nlohmann::json;

constexpr std::string_view kConfigName = "config.json";

using Reader = absl::StatusOr<NamedTensors> (*)(const std::string& path);

// A sharded model's index: the file of each tensor, by the tensor's name.
absl::StatusOr<std::map<std::string, std::string>> ReadShardIndex(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const json index, ReadJsonObject(path));
  if (!index.contains("weight_map") || !index["weight_map"].is_object()) {
    return DataLoss(path, ": weight_map: expected an object");
  }
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    if (!file.is_string() || !IsInnerPath(file.get<std::string>())) {
      return DataLoss(path, ": weight_map: '", Printable(tensor),
                      "': expected the name of a file beside it");
    }
    files[tensor] = file.get<std::string>();
  }
  return files;
}

absl::StatusOr<NamedTensors> ReadShards(const std::string& index_path, Reader read) {
  OPENP5_ASSIGN_OR_RETURN(auto missing, ReadShardIndex(index_path));
  std::set<std::string> files;
  for (const auto& [tensor, file] : missing) files.insert(file);
  NamedTensors all;
  std::set<std::string> seen;
  for (const std::string& file : files) {
    OPENP5_ASSIGN_OR_RETURN(NamedTensors shard, read(JoinPath(DirectoryName(index_path), file)));
    for (auto& [name, tensor] : shard) {
      if (!seen.insert(name).second) {
        return DataLoss(DirectoryName(index_path), ": tensor '", Printable(name),
                        "': expected it in one file, got it in several");
      }
      missing.erase(name);
      all.emplace_back(name, std::move(tensor));
    }
  }
  if (!missing.empty()) {
    const auto& [tensor, file] = *missing.begin();
    return DataLoss(index_path, ": weight_map: tensor '", Printable(tensor), "': expected it in ",
                    Printable(file), ", got none");
  }
  return all;
}

// What a model folder's weights may be called, in the order in which they are looked for.
struct WeightFile {
  std::string_view name;
  Reader read;
  bool is_index;
};
constexpr WeightFile kWeightFiles[] = {
    {"model.safetensors", ReadSafetensors, false},
    {"model.safetensors.index.json", ReadSafetensors, true},
    {"pytorch_model.bin", ReadTorchStateDict, false},
    {"pytorch_model.bin.index.json", ReadTorchStateDict, true},
};

absl::StatusOr<const WeightFile*> FindWeightFile(const std::string& folder) {
  std::vector<std::string> known;
  for (const WeightFile& file : kWeightFiles) {
    if (FileExists(JoinPath(folder, file.name))) return &file;
    known.emplace_back(file.name);
  }
  return NotFound("Hugging Face folder: ", folder, ": expected one of ", absl::StrJoin(known, ", "),
                  "; got none");
}

absl::StatusOr<NamedTensors> ReadWeightFiles(const std::string& folder) {
  OPENP5_ASSIGN_OR_RETURN(const WeightFile* file, FindWeightFile(folder));
  const std::string path = JoinPath(folder, file->name);
  return file->is_index ? ReadShards(path, file->read) : file->read(path);
}

// What `generate` of transformers starts and ends with.
json GenerationConfig(const json& config) {
  json generation = {{"_from_model_config", true}};
  for (const char* name :
       {"bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"}) {
    if (config.contains(name)) generation[name] = config[name];
  }
  return generation;
}

}  // namespace

bool IsHuggingFaceFolder(const std::string& path) {
  return FileExists(JoinPath(path, kConfigName));
}

absl::StatusOr<json> ReadHuggingFaceConfig(const std::string& path) {
  return ReadJsonObject(JoinPath(path, kConfigName));
}

absl::StatusOr<HuggingFaceFolder> ReadHuggingFaceFolder(const std::string& path) {
  HuggingFaceFolder folder;
  OPENP5_ASSIGN_OR_RETURN(folder.config, ReadHuggingFaceConfig(path));
  OPENP5_ASSIGN_OR_RETURN(folder.weights, ReadWeightFiles(path));
  return folder;
}

absl::StatusOr<std::vector<std::string>> WeightFiles(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const WeightFile* file, FindWeightFile(path));
  std::set<std::string> names = {std::string(file->name)};
  if (file->is_index) {
    OPENP5_ASSIGN_OR_RETURN(const auto shards, ReadShardIndex(JoinPath(path, file->name)));
    for (const auto& [tensor, shard] : shards) names.insert(shard);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

absl::Status WriteHuggingFaceFolder(
    const std::string& path, const HuggingFaceFolder& model,
    const std::function<absl::Status(const std::string&)>& write_extras) {
  const auto fill = [&](const std::string& folder) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(WriteSafetensors(JoinPath(folder, kWeightFiles[0].name), model.weights,
                                            {{"format", "pt"}}));
    if (write_extras) OPENP5_RETURN_IF_ERROR(write_extras(folder));
    OPENP5_RETURN_IF_ERROR(
        WriteJson(JoinPath(folder, "generation_config.json"), GenerationConfig(model.config)));
    return WriteJson(JoinPath(folder, kConfigName), model.config);
  };
  return WriteMarkedFolder(path, kHuggingFaceExport, fill);
}

}  // namespace openp5::checkpoints

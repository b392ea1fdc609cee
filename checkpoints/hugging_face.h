#ifndef OPENP5_CHECKPOINTS_HUGGING_FACE_H_
#define OPENP5_CHECKPOINTS_HUGGING_FACE_H_

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// A Hugging Face folder: config.json, and model.safetensors or pytorch_model.bin, or the files that
// the index of one of them (`….index.json`) names.
struct HuggingFaceFolder {
  nlohmann::json config;
  NamedTensors weights = {};
};

// True if `path` is a folder with a config.json.
bool IsHuggingFaceFolder(const std::string& path);

// NotFound naming what is missing; DataLoss if a tensor is in two files, or not in the one that the
// index names; a damaged file fails as its own reader says.
absl::StatusOr<HuggingFaceFolder> ReadHuggingFaceFolder(const std::string& path);
// Only its config.json.
absl::StatusOr<nlohmann::json> ReadHuggingFaceConfig(const std::string& path);

// The files that hold the folder's weights, and the index that names them if there is one. NotFound
// if there are none; else fails as the index's reader does.
absl::StatusOr<std::vector<std::string>> WeightFiles(const std::string& path);

// Writes config.json, generation_config.json, model.safetensors and whatever `write_extras(folder)`
// adds (the tokenizer's files). All or nothing, as WriteCheckpoint.
absl::Status WriteHuggingFaceFolder(
    const std::string& path, const HuggingFaceFolder& model,
    const std::function<absl::Status(const std::string&)>& write_extras);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_HUGGING_FACE_H_

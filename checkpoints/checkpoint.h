#ifndef OPENP5_CHECKPOINTS_CHECKPOINT_H_
#define OPENP5_CHECKPOINTS_CHECKPOINT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "checkpoints/backbone.h"
#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// What a checkpoint folder of ours says of itself in manifest.json (checkpoints/FORMAT.md).
struct Manifest {
  std::string model_family;      // "t5"
  nlohmann::json model_config;   // as in Hugging Face's config.json
  std::string tokenizer_family;  // "t5"
  // One object a dataset: {"dataset", "parameters", "dataset_digest", "index_digest"}.
  nlohmann::json indexes = nlohmann::json::array();
  nlohmann::json training = nlohmann::json::object();  // options it was trained with
  nlohmann::json metrics = nlohmann::json::object();   // e.g. {"epoch": 3, "validation_loss": 1.5}
  // Options by which histories become texts and texts become tokens; empty for a model that reads
  // no texts, and in folders of version 1.
  nlohmann::json reading = nlohmann::json::object();
  // The model that an adapter was trained on, whose weights are not in the folder; nothing for a
  // whole model.
  std::optional<Backbone> backbone = {};
};

// Writes folder `path`: the weights as model.safetensors, or as adapter.safetensors if the manifest
// names a backbone, whatever `write_extras(folder)` adds (tokenizer/,
// items.index), manifest.json last with the size and SHA-256 of every file. All or nothing; an
// existing folder is replaced only when the new one is whole.
absl::Status WriteCheckpoint(const std::string& path, const Manifest& manifest,
                             const NamedTensors& weights,
                             const std::function<absl::Status(const std::string&)>& write_extras);

// True if `path` is a folder with a manifest.json.
bool IsCheckpoint(const std::string& path);

// NotFound without a manifest; DataLoss naming file and fault if the manifest is malformed, of a
// newer version or not what was written, if a file is missing or has another size, or if one other
// than the weights has another digest.
absl::StatusOr<Manifest> ReadManifest(const std::string& path);

// Where a model is read from: a checkpoint folder of openp5, whose manifest is read and compared
// with its files once, or files that were made elsewhere.
struct ModelSource {
  std::string path = {};
  std::optional<Manifest> manifest = {};  // nothing: made elsewhere

  // Fails as ReadManifest.
  static absl::StatusOr<ModelSource> Open(const std::string& path);
};

// The files the manifest lists and their sizes in bytes, by path relative to the folder. Fails as
// ReadManifest, but compares no digests of files.
absl::StatusOr<std::map<std::string, int64_t>> ListCheckpointFiles(const std::string& path);

// Reads every file and compares sizes and digests; DataLoss names the first that differs.
absl::Status VerifyCheckpoint(const std::string& path);

// The weights in the folder (those of an adapter alone, if the manifest names a backbone), after
// the checks of ListCheckpointFiles and that of their digest.
absl::StatusOr<NamedTensors> ReadWeights(const std::string& path);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_CHECKPOINT_H_

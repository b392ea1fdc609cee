#ifndef OPENP5_CHECKPOINTS_BACKBONE_H_
#define OPENP5_CHECKPOINTS_BACKBONE_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "platform/base/status.h"

namespace openp5::checkpoints {

// Size and digest of one file, as a manifest lists it.
struct ListedFile {
  int64_t size = 0;
  std::string sha256;

  bool operator==(const ListedFile&) const = default;
};
using ListedFiles = std::map<std::string, ListedFile>;  // by path relative to their folder

nlohmann::json ListedFilesJson(const ListedFiles& files);
// DataLoss naming `where` and the file if an entry has no size or digest, or a path leads outside.
absl::StatusOr<ListedFiles> ParseListedFiles(const nlohmann::json& json, const std::string& where);

// The model an adapter was trained on, whose weights a checkpoint of the adapter does not hold: a
// Hugging Face folder, known by the digests of its weight files, or random weights, which come from
// their seed again.
struct Backbone {
  std::string path = {};           // as it was given: a folder, or preset:NAME
  std::string absolute_path = {};  // of a folder
  ListedFiles files = {};          // a folder's weight files
  int64_t seed = 0;                // of random weights
  std::string sha256 = {};         // of random weights: the digest of all tensors the adapter left
  std::string type = "F32";        // what its matrices were kept in, as safetensors calls it

  bool is_folder() const { return !absolute_path.empty(); }
  // Names the weights, wherever they are: equal for equal ones.
  std::string Digest() const;

  nlohmann::json ToJson() const;
  // DataLoss naming `where` and the field.
  static absl::StatusOr<Backbone> FromJson(const nlohmann::json& json, const std::string& where);
};

// Names the Hugging Face folder `path`. Reads its weight files once. Fails as WeightFiles.
absl::StatusOr<Backbone> NameBackbone(const std::string& path);

// The folder that holds the weights of `backbone`: `given` if it is not empty, else the folder of
// the training, by its absolute path or the path it was given by. Every weight file is compared
// with its digest. FailedPrecondition, with a hint of --backbone, if there is none or if it holds
// other weights; the message begins with `checkpoint`, the folder of the adapter.
absl::StatusOr<std::string> FindBackbone(const Backbone& backbone, const std::string& checkpoint,
                                         const std::string& given);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_BACKBONE_H_

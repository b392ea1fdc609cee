#ifndef OPENP5_CHECKPOINTS_MODEL_FOLDER_H_
#define OPENP5_CHECKPOINTS_MODEL_FOLDER_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoints/backbone.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"
#include "platform/tensor/named_tensors.h"
#include "platform/text/tokenizer.h"

namespace openp5::checkpoints {

// The file with the prompts a model was trained with.
inline constexpr char kPromptsName[] = "prompts.txt";

// Everything a checkpoint folder of ours holds. It stands alone, but for an adapter's backbone.
struct ModelFolder {
  std::string model_family;
  nlohmann::json model_config;  // as in Hugging Face's config.json
  NamedTensors weights;
  const text::Tokenizer* tokenizer = nullptr;
  std::vector<const indexing::ItemIndex*> indexes = {};
  nlohmann::json training = nlohmann::json::object();  // options it was trained with
  nlohmann::json metrics = nlohmann::json::object();
  nlohmann::json reading = nlohmann::json::object();  // how histories become its input
  std::string prompts = {};                           // text of a prompt file
  std::optional<Backbone> backbone = {};              // has the weights that are not in `weights`
};

// Writes the folder whole or not at all, as WriteCheckpoint.
absl::Status WriteModelFolder(const std::string& path, const ModelFolder& model);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_MODEL_FOLDER_H_

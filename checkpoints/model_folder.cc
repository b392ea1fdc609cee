#include "checkpoints/model_folder.h"

#include <utility>

#include "checkpoints/checkpoint.h"
#include "platform/base/file.h"
#include "platform/config/options.h"

namespace openp5::checkpoints {
namespace {

nlohmann::json DescribeIndexes(const std::vector<const indexing::ItemIndex*>& indexes) {
  nlohmann::json described = nlohmann::json::array();
  for (const indexing::ItemIndex* index : indexes) {
    nlohmann::json parameters;
    ToJson(index->parameters(), &parameters);
    described.push_back({{"dataset", index->dataset_name()},
                         {"parameters", std::move(parameters)},
                         {"dataset_digest", index->dataset_digest()},
                         {"index_digest", index->Digest()}});
  }
  return described;
}

absl::Status WriteExtras(const ModelFolder& model, const std::string& folder) {
  const std::string tokenizer_folder = JoinPath(folder, "tokenizer");
  OPENP5_RETURN_IF_ERROR(MakeDirectories(tokenizer_folder));
  OPENP5_RETURN_IF_ERROR(model.tokenizer->Save(tokenizer_folder));
  OPENP5_RETURN_IF_ERROR(WriteFileAtomic(JoinPath(folder, kPromptsName), model.prompts));
  std::vector<indexing::ItemIndex> indexes;
  for (const indexing::ItemIndex* index : model.indexes) indexes.push_back(*index);
  return indexing::WriteItemIndexFile(JoinPath(folder, "items.index"), indexes);
}

}  // namespace

absl::Status WriteModelFolder(const std::string& path, const ModelFolder& model) {
  const Manifest manifest{.model_family = model.model_family,
                          .model_config = model.model_config,
                          .tokenizer_family = std::string(model.tokenizer->family()),
                          .indexes = DescribeIndexes(model.indexes),
                          .training = model.training,
                          .metrics = model.metrics,
                          .reading = model.reading,
                          .backbone = model.backbone};
  return WriteCheckpoint(path, manifest, model.weights,
                         [&](const std::string& folder) { return WriteExtras(model, folder); });
}

}  // namespace openp5::checkpoints

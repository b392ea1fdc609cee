#include <utility>

#include "checkpoints/checkpoint.h"
#include "indexing/item_index.h"
#include "platform/base/file.h"
#include "platform/config/options.h"
#include "trainers/seq2seq_trainer.h"

namespace openp5::trainers {
namespace {

nlohmann::json DescribeIndexes(const TrainingSetup& setup) {
  nlohmann::json indexes = nlohmann::json::array();
  for (const evaluators::IndexedDataset* dataset : setup.datasets) {
    nlohmann::json parameters;
    ToJson(dataset->index().parameters(), &parameters);
    indexes.push_back({{"dataset", dataset->name()},
                       {"parameters", std::move(parameters)},
                       {"dataset_digest", dataset->index().dataset_digest()},
                       {"index_digest", dataset->index().Digest()}});
  }
  return indexes;
}

absl::Status WriteExtras(const TrainingSetup& setup, const std::string& folder) {
  const std::string tokenizer_folder = JoinPath(folder, "tokenizer");
  OPENP5_RETURN_IF_ERROR(MakeDirectories(tokenizer_folder));
  OPENP5_RETURN_IF_ERROR(setup.tokenizer->Save(tokenizer_folder));
  std::vector<indexing::ItemIndex> indexes;
  for (const evaluators::IndexedDataset* dataset : setup.datasets) {
    indexes.push_back(dataset->index());
  }
  return indexing::WriteItemIndexFile(JoinPath(folder, "items.index"), indexes);
}

}  // namespace

absl::Status SaveModel(const std::string& path, const TrainingSetup& setup,
                       nlohmann::json metrics) {
  const checkpoints::Manifest manifest{.model_family = "t5",
                                       .model_config = setup.model->config().ToHuggingFace(),
                                       .tokenizer_family = std::string(setup.tokenizer->family()),
                                       .indexes = DescribeIndexes(setup),
                                       .training = setup.description,
                                       .metrics = std::move(metrics)};
  return checkpoints::WriteCheckpoint(
      path, manifest, setup.model->parameters(),
      [&](const std::string& folder) { return WriteExtras(setup, folder); });
}

}  // namespace openp5::trainers

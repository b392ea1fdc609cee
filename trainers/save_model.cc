#include <utility>

#include "trainers/model_folder.h"
#include "trainers/trainer.h"

namespace openp5::trainers {

absl::Status SaveModel(const std::string& path, const TrainingSetup& setup,
                       nlohmann::json metrics) {
  const nlohmann::json config = setup.model->ToHuggingFace();
  ModelFolder folder{.model_family = config["model_type"].get<std::string>(),
                     .model_config = config,
                     .weights = setup.model->parameters(),
                     .tokenizer = setup.tokenizer,
                     .training = setup.description,
                     .metrics = std::move(metrics)};
  for (const evaluators::IndexedDataset* dataset : setup.datasets) {
    folder.indexes.push_back(&dataset->index());
  }
  return WriteModelFolder(path, folder);
}

}  // namespace openp5::trainers

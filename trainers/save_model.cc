#include <utility>

#include "trainers/model_folder.h"
#include "trainers/seq2seq_trainer.h"

namespace openp5::trainers {

absl::Status SaveModel(const std::string& path, const TrainingSetup& setup,
                       nlohmann::json metrics) {
  ModelFolder folder{.model_family = "t5",
                     .model_config = setup.model->config().ToHuggingFace(),
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

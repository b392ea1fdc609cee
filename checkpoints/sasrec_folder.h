#ifndef OPENP5_CHECKPOINTS_SASREC_FOLDER_H_
#define OPENP5_CHECKPOINTS_SASREC_FOLDER_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoints/checkpoint.h"
#include "datasets/sequences.h"
#include "platform/base/status.h"
#include "platform/models/sasrec/sasrec.h"
#include "platform/tensor/named_tensors.h"

namespace openp5::checkpoints {

// Everything a checkpoint folder of a SASRec holds, so that it stands alone
// (checkpoints/FORMAT.md).
struct SasrecFolder {
  models::SasrecConfig config = {};
  NamedTensors weights = {};
  std::string dataset = {}, dataset_digest = {};
  std::vector<std::string> item_ids = {};              // raw ids by row of the embedding
  nlohmann::json training = nlohmann::json::object();  // options it was trained with
  nlohmann::json metrics = nlohmann::json::object();
};

bool IsSasrec(const Manifest& manifest);

// Writes the folder whole or not at all, as WriteCheckpoint.
absl::Status WriteSasrecFolder(const std::string& path, const SasrecFolder& folder);

// `manifest` is that of the folder. Fails as ReadWeights; DataLoss if config, item ids and weights
// do not belong together.
absl::StatusOr<SasrecFolder> ReadSasrecFolder(const std::string& path, const Manifest& manifest);

// The row of each item of `dataset`. FailedPrecondition if the model, which `where` names, was
// trained on a dataset of another name, or does not know an item.
absl::StatusOr<std::vector<int64_t>> RowsOf(const SasrecFolder& folder, const std::string& where,
                                            const datasets::SequenceDataset& dataset);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_SASREC_FOLDER_H_

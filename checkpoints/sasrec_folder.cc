#include "checkpoints/sasrec_folder.h"

#include <unordered_map>
#include <utility>

#include "datasets/text_lines.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/tensor/tensor_checks.h"

namespace openp5::checkpoints {
namespace {

constexpr char kFamily[] = "sasrec";
constexpr char kItems[] = "items.txt";

absl::StatusOr<std::vector<std::string>> ReadItemIds(const std::string& path,
                                                     const std::string& digest) {
  const std::string file = JoinPath(path, kItems);
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  if (Sha256Of(text) != digest) {
    return DataLoss("checkpoint: ", file, ": not the items whose digest is in the manifest");
  }
  std::vector<std::string> ids;
  OPENP5_RETURN_IF_ERROR(datasets::ForEachLine(
      text, file, "checkpoint", [&](std::string_view line, const datasets::TextLines&) {
        ids.emplace_back(line);
        return absl::OkStatus();
      }));
  return ids;
}

// A text field of the manifest's one entry in `indexes`.
absl::StatusOr<std::string> DatasetField(const Manifest& manifest, const std::string& path,
                                         const char* name) {
  const bool is_one = manifest.indexes.size() == 1 && manifest.indexes[0].is_object();
  if (!is_one || !manifest.indexes[0].contains(name) || !manifest.indexes[0][name].is_string()) {
    return DataLoss("checkpoint: ", JoinPath(path, "manifest.json"),
                    ": indexes: expected one object with dataset, dataset_digest and items_digest");
  }
  return manifest.indexes[0][name].get<std::string>();
}

}  // namespace

bool IsSasrec(const Manifest& manifest) { return manifest.model_family == kFamily; }

absl::Status WriteSasrecFolder(const std::string& path, const SasrecFolder& folder) {
  std::string items;
  for (const std::string& id : folder.item_ids) items += id + "\n";
  const Manifest manifest{.model_family = kFamily,
                          .model_config = folder.config.ToJson(),
                          .tokenizer_family = "none",
                          .indexes = {{{"dataset", folder.dataset},
                                       {"dataset_digest", folder.dataset_digest},
                                       {"items_digest", Sha256Of(items)}}},
                          .training = folder.training,
                          .metrics = folder.metrics};
  return WriteCheckpoint(path, manifest, folder.weights, [&](const std::string& to) {
    return WriteFileAtomic(JoinPath(to, kItems), items);
  });
}

absl::StatusOr<SasrecFolder> ReadSasrecFolder(const std::string& path, const Manifest& manifest) {
  SasrecFolder folder{.training = manifest.training, .metrics = manifest.metrics};
  auto config = models::SasrecConfig::FromJson(manifest.model_config);
  if (!config.ok()) return DataLoss(path, ": ", ToStd(config.status().message()));
  folder.config = *config;
  OPENP5_ASSIGN_OR_RETURN(folder.dataset, DatasetField(manifest, path, "dataset"));
  OPENP5_ASSIGN_OR_RETURN(folder.dataset_digest, DatasetField(manifest, path, "dataset_digest"));
  OPENP5_ASSIGN_OR_RETURN(const std::string digest, DatasetField(manifest, path, "items_digest"));
  OPENP5_ASSIGN_OR_RETURN(folder.item_ids, ReadItemIds(path, digest));
  if (static_cast<int64_t>(folder.item_ids.size()) != folder.config.item_count) {
    return DataLoss("checkpoint: ", JoinPath(path, kItems), ": expected ", folder.config.item_count,
                    " items, got ", folder.item_ids.size());
  }
  OPENP5_ASSIGN_OR_RETURN(folder.weights, ReadWeights(path));
  OPENP5_RETURN_IF_ERROR(CheckFinite(path, folder.weights));
  return folder;
}

absl::StatusOr<std::vector<int64_t>> RowsOf(const SasrecFolder& folder, const std::string& where,
                                            const datasets::SequenceDataset& dataset) {
  if (folder.dataset != dataset.name()) {
    return FailedPrecondition(where, ": trained on ", folder.dataset, ", not on ", dataset.name());
  }
  std::unordered_map<std::string_view, int64_t> row_of;
  for (const std::string& id : folder.item_ids) {
    row_of.emplace(id, static_cast<int64_t>(row_of.size()));
  }
  if (row_of.size() != folder.item_ids.size()) {
    return DataLoss("checkpoint: ", JoinPath(where, kItems), ": expected every item once");
  }
  std::vector<int64_t> rows;
  for (int32_t item = 0; item < dataset.item_count(); ++item) {
    const auto found = row_of.find(dataset.ItemId(item));
    if (found == row_of.end()) {
      return FailedPrecondition(where, ": the model does not know item '", dataset.ItemId(item),
                                "' of ", dataset.name(), "; hint: train it on the present data");
    }
    rows.push_back(found->second);
  }
  if (folder.dataset_digest != dataset.digest()) {
    LogWarning(StrCat(where, ": ", dataset.name(), " is not the data the model was trained on"));
  }
  return rows;
}

}  // namespace openp5::checkpoints

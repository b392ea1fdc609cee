#include "datasets/dataset_folder.h"

#include <filesystem>
#include <set>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/output_folder.h"

namespace openp5::datasets {
namespace {

constexpr const char* kFormat = "openp5-dataset";
constexpr int kVersion = 1;
constexpr const char* kSequences = "user_sequence.txt";
constexpr const char* kMetadata = "item_metadata.jsonl";
constexpr const char* kDescription = "dataset.json";

bool IsOurs(const nlohmann::json& json) {
  return json.is_object() && json.value("format", nlohmann::json()) == kFormat;
}

bool IsDatasetFolder(const std::string& path) {
  const auto json = ReadJsonObject(JoinPath(path, kDescription));
  return json.ok() && IsOurs(*json);
}

// dataset.json of a folder; null if there is none, or it is not ours.
absl::StatusOr<nlohmann::json> ReadDescription(const std::string& folder) {
  const std::string path = JoinPath(folder, kDescription);
  if (!FileExists(path)) return nlohmann::json();
  absl::StatusOr<nlohmann::json> json = ReadJsonObject(path);
  if (!json.ok()) return Annotate(json.status(), "dataset");
  return IsOurs(*json) ? *std::move(json) : nlohmann::json();
}

std::string MetadataText(const std::vector<ItemMetadata>& items) {
  std::string text;
  for (const ItemMetadata& item : items) {
    nlohmann::ordered_json line = {{"item", item.item}, {"title", item.title}};
    for (const auto& [key, value] : item.more) line[key] = value;
    if (!item.categories.empty()) line["categories"] = item.categories;
    text += DumpJson(line) + "\n";
  }
  return text;
}

}  // namespace

absl::Status CheckMayWriteDataset(const std::string& path,
                                  const std::vector<std::string>& sources) {
  const FolderKind kind = {.name = "a prepared dataset", .files = [](const std::string& folder) {
                             return IsDatasetFolder(folder)
                                        ? std::set<std::string>{kSequences, kMetadata, kDescription}
                                        : std::set<std::string>();
                           }};
  return Annotate(CheckOutputFolder(path, kind, sources), "--out");
}

absl::StatusOr<nlohmann::ordered_json> WriteDatasetFolder(const std::string& out,
                                                          const DatasetContent& content) {
  OPENP5_RETURN_IF_ERROR(CheckMayWriteDataset(out));
  const std::string name = BaseName(std::filesystem::path(out).lexically_normal().string());
  nlohmann::ordered_json json = {{"format", kFormat}, {"version", kVersion}, {"name", name}};
  json.update(content.description);
  json["sha256"] = Sha256Of(content.sequences);
  const auto fill = [&](const std::string& folder) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(JoinPath(folder, kSequences), content.sequences));
    if (!content.items.empty()) {
      OPENP5_RETURN_IF_ERROR(
          WriteFileAtomic(JoinPath(folder, kMetadata), MetadataText(content.items)));
    }
    return WriteFileAtomic(JoinPath(folder, kDescription), DumpJson(json, 2) + "\n");
  };
  OPENP5_RETURN_IF_ERROR(WriteDirectoryAtomic(out, fill));
  return json;
}

absl::Status CheckSequenceDigest(const std::string& folder, const std::string& digest) {
  OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json, ReadDescription(folder));
  if (!json.is_object() || !json.contains("sha256") || json["sha256"] == digest) {
    return absl::OkStatus();
  }
  return DataLoss("dataset: ", JoinPath(folder, kSequences),
                  ": expected the SHA-256 in dataset.json beside it, got ", digest,
                  "; hint: was the file cut or damaged? Then prepare the dataset again. If you "
                  "changed it on purpose, delete dataset.json");
}

absl::StatusOr<std::optional<TimeSpan>> ReadTimeSpan(const std::string& folder) {
  const std::string path = JoinPath(folder, kDescription);
  OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json, ReadDescription(folder));
  if (json.is_null()) return std::nullopt;
  if (!json.contains("first_time") && !json.contains("last_time")) return std::nullopt;
  const auto first = json.value("first_time", nlohmann::json());
  const auto last = json.value("last_time", nlohmann::json());
  if (!first.is_number_integer() || !last.is_number_integer()) {
    return DataLoss("dataset: ", path,
                    ": expected whole seconds as \"first_time\" and \"last_time\", got ",
                    JsonExcerpt(first), " and ", JsonExcerpt(last));
  }
  return TimeSpan{.first = first.get<int64_t>(), .last = last.get<int64_t>()};
}

}  // namespace openp5::datasets

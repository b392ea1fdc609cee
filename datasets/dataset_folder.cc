#include "datasets/dataset_folder.h"

#include <filesystem>

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"

namespace openp5::datasets {
namespace {

constexpr const char* kFormat = "openp5-dataset";
constexpr int kVersion = 1;

bool IsOurs(const nlohmann::json& json) {
  return json.is_object() && json.value("format", nlohmann::json()) == kFormat;
}

bool IsDatasetFolder(const std::string& path) {
  const auto json = ReadJsonObject(JoinPath(path, "dataset.json"));
  return json.ok() && IsOurs(*json);
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

absl::Status CheckMayWriteDataset(const std::string& path) {
  if (!FileExists(path)) return absl::OkStatus();
  if (!IsDirectory(path)) {
    return FailedPrecondition("cannot write dataset: ", path, ": expected a folder, got a file");
  }
  std::error_code error;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error) {
    return FailedPrecondition("cannot write dataset: ", path, ": ", error.message());
  }
  if (empty || IsDatasetFolder(path)) return absl::OkStatus();
  return FailedPrecondition("cannot write dataset: ", path,
                            ": expected no folder, an empty one or a prepared dataset, got a "
                            "folder with other files; choose another --out");
}

absl::StatusOr<nlohmann::ordered_json> WriteDatasetFolder(const std::string& out,
                                                          const DatasetContent& content) {
  // Without a slash at the end, beside which the temporary folder would lie inside the old one.
  const std::string path = JoinPath(DirectoryName(out), BaseName(out));
  OPENP5_RETURN_IF_ERROR(CheckMayWriteDataset(path));
  nlohmann::ordered_json json = {
      {"format", kFormat}, {"version", kVersion}, {"name", BaseName(path)}};
  json.update(content.description);
  json["sha256"] = Sha256Of(content.sequences);
  const auto fill = [&](const std::string& folder) -> absl::Status {
    OPENP5_RETURN_IF_ERROR(
        WriteFileAtomic(JoinPath(folder, "user_sequence.txt"), content.sequences));
    if (!content.items.empty()) {
      OPENP5_RETURN_IF_ERROR(
          WriteFileAtomic(JoinPath(folder, "item_metadata.jsonl"), MetadataText(content.items)));
    }
    return WriteFileAtomic(JoinPath(folder, "dataset.json"), DumpJson(json, 2) + "\n");
  };
  OPENP5_RETURN_IF_ERROR(MakeDirectories(DirectoryName(path)));
  OPENP5_RETURN_IF_ERROR(WriteDirectoryAtomic(path, fill));
  return json;
}

absl::StatusOr<std::optional<TimeSpan>> ReadTimeSpan(const std::string& folder) {
  const std::string path = JoinPath(folder, "dataset.json");
  if (!FileExists(path)) return std::nullopt;
  const absl::StatusOr<nlohmann::json> read = ReadJsonObject(path);
  if (!read.ok()) return Annotate(read.status(), "dataset");
  const nlohmann::json& json = *read;
  if (!IsOurs(json)) return std::nullopt;
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

#include "datasets/dataset_folder.h"

#include <filesystem>

#include "platform/base/digest.h"
#include "platform/base/file.h"

namespace openp5::datasets {
namespace {

constexpr const char* kFormat = "openp5-dataset";
constexpr int kVersion = 1;

bool IsOurs(const nlohmann::json& json) {
  return json.is_object() && json.value("format", nlohmann::json()) == kFormat;
}

bool IsDatasetFolder(const std::string& path) {
  const auto text = ReadFile(JoinPath(path, "dataset.json"));
  if (!text.ok()) return false;
  return IsOurs(nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false));
}

// dataset.json of a folder; null if there is none, or it is not ours.
absl::StatusOr<nlohmann::json> ReadDescription(const std::string& folder) {
  const std::string path = JoinPath(folder, "dataset.json");
  if (!FileExists(path)) return nlohmann::json();
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return DataLoss("dataset: ", path, ": expected JSON, got something else");
  return IsOurs(json) ? json : nlohmann::json();
}

std::string MetadataText(const std::vector<ItemMetadata>& items) {
  std::string text;
  for (const ItemMetadata& item : items) {
    nlohmann::ordered_json line = {{"item", item.item}, {"title", item.title}};
    for (const auto& [key, value] : item.more) line[key] = value;
    if (!item.categories.empty()) line["categories"] = item.categories;
    text += line.dump() + "\n";
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
    return WriteFileAtomic(JoinPath(folder, "dataset.json"), json.dump(2) + "\n");
  };
  OPENP5_RETURN_IF_ERROR(MakeDirectories(DirectoryName(path)));
  OPENP5_RETURN_IF_ERROR(WriteDirectoryAtomic(path, fill));
  return json;
}

absl::Status CheckSequenceDigest(const std::string& folder, const std::string& digest) {
  OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json, ReadDescription(folder));
  if (!json.is_object() || !json.contains("sha256") || json["sha256"] == digest) {
    return absl::OkStatus();
  }
  return DataLoss("dataset: ", JoinPath(folder, "user_sequence.txt"),
                  ": expected the SHA-256 in dataset.json beside it, got ", digest,
                  "; hint: was the file cut or damaged? Then prepare the dataset again. If you "
                  "changed it on purpose, delete dataset.json");
}

absl::StatusOr<std::optional<TimeSpan>> ReadTimeSpan(const std::string& folder) {
  const std::string path = JoinPath(folder, "dataset.json");
  OPENP5_ASSIGN_OR_RETURN(const nlohmann::json json, ReadDescription(folder));
  if (json.is_null()) return std::nullopt;
  if (!json.contains("first_time") && !json.contains("last_time")) return std::nullopt;
  const auto first = json.value("first_time", nlohmann::json());
  const auto last = json.value("last_time", nlohmann::json());
  if (!first.is_number_integer() || !last.is_number_integer()) {
    return DataLoss("dataset: ", path,
                    ": expected whole seconds as \"first_time\" and \"last_time\", got ",
                    first.dump(), " and ", last.dump());
  }
  return TimeSpan{.first = first.get<int64_t>(), .last = last.get<int64_t>()};
}

}  // namespace openp5::datasets

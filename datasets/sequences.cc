#include "datasets/sequences.h"

#include <nlohmann/json.hpp>

#include "datasets/dataset_folder.h"
#include "datasets/text_lines.h"
#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "platform/base/json.h"

namespace openp5::datasets {
namespace {

// Leave-one-out takes one item for test, one for validation, and must leave one to train on.
constexpr size_t kFewestItems = 3;

}  // namespace

absl::StatusOr<SequenceDataset> SequenceDataset::Open(const std::string& folder) {
  const std::string path = JoinPath(folder, "user_sequence.txt");
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  OPENP5_ASSIGN_OR_RETURN(SequenceDataset dataset, Parse(BaseName(folder), file.bytes(), path));
  OPENP5_RETURN_IF_ERROR(CheckSequenceDigest(folder, dataset.digest()));
  dataset.folder_ = folder;
  return dataset;
}

absl::StatusOr<SequenceDataset> SequenceDataset::Parse(std::string name, std::string_view text,
                                                       const std::string& where) {
  SequenceDataset dataset;
  dataset.name_ = std::move(name);
  dataset.digest_ = Sha256Of(text);
  OPENP5_RETURN_IF_ERROR(ForEachLine(
      text, where, "user sequences",
      [&](std::string_view line, const TextLines& lines) { return dataset.AddUser(line, lines); }));
  if (dataset.user_count() == 0) {
    return InvalidArgument("user sequences: ", where,
                           ": expected lines `user item item …`, got an empty file");
  }
  return dataset;
}

absl::Status SequenceDataset::AddUser(std::string_view line, const TextLines& lines) {
  const std::vector<std::string_view> ids = SplitAt(line, ' ');
  for (const std::string_view id : ids) {
    OPENP5_RETURN_IF_ERROR(CheckId(id, "ids separated by single blanks", lines));
  }
  // Users are numbered line by line: the number of a user seen before is that of his line.
  if (const std::optional<int32_t> earlier = users_.Find(ids[0])) {
    return InvalidArgument(lines.Where(), ": expected every user once, got '", Excerpt(ids[0]),
                           "' again; first in line ", *earlier + 1);
  }
  if (ids.size() - 1 < kFewestItems) {
    return InvalidArgument(lines.Where(), ": expected at least ", kFewestItems, " items, got ",
                           ids.size() - 1, " of user '", Excerpt(ids[0]),
                           "'; one is for test, one for validation, the rest for training");
  }
  users_.Add(ids[0]);
  for (size_t i = 1; i < ids.size(); ++i) items_.push_back(item_table_.Add(ids[i]));
  offsets_.push_back(items_.size());
  return absl::OkStatus();
}

absl::StatusOr<std::unordered_map<std::string, std::string>> ReadItemTitles(
    const std::string& folder) {
  std::unordered_map<std::string, std::string> titles;
  const std::string path = JoinPath(folder, "item_metadata.jsonl");
  if (!FileExists(path)) return titles;
  OPENP5_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const absl::Status status = ForEachLine(
      file.bytes(), path, "item metadata", [&](std::string_view line, const TextLines& lines) {
        const auto json = ParseJson(line, "").value_or(nullptr);
        const auto is_text = [&](const char* key) {
          return json.is_object() && json.contains(key) && json[key].is_string();
        };
        if (!is_text("item") || !is_text("title")) {
          return InvalidArgument(
              lines.Where(), ": expected a JSON object with texts \"item\" and \"title\", got '",
              Excerpt(line), "'");
        }
        titles.emplace(json["item"].get<std::string>(), json["title"].get<std::string>());
        return absl::OkStatus();
      });
  if (!status.ok()) return DataLoss(ToStd(status.message()));
  return titles;
}

}  // namespace openp5::datasets

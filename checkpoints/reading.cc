#include "checkpoints/reading.h"

#include "checkpoints/checkpoint.h"
#include "checkpoints/model_folder.h"
#include "platform/base/file.h"
#include "platform/base/json.h"

namespace openp5::checkpoints {
namespace {

constexpr char kExported[] = "openp5";  // folder in an export
constexpr char kReadingName[] = "reading.json";
constexpr char kIndexName[] = "items.index";

absl::StatusOr<KeptReading> ReadKept(const nlohmann::json& values, const std::string& where,
                                     const std::string& folder) {
  KeptReading kept{.reading = {}, .prompt_file = JoinPath(folder, kPromptsName)};
  const absl::Status read = FromJson(values, &kept.reading);
  if (!read.ok()) return DataLoss("checkpoint: ", where, ": ", ToStd(read.message()));
  return kept;
}

// Copies a file that may be absent.
absl::Status CopyIfThere(const std::string& from, const std::string& to) {
  if (!FileExists(from)) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const std::string content, ReadFile(from));
  return WriteFileAtomic(to, content);
}

}  // namespace

absl::StatusOr<std::optional<KeptReading>> FindReading(const ModelSource& source) {
  const std::string& path = source.path;
  if (source.manifest.has_value()) {
    const Manifest& manifest = *source.manifest;
    if (manifest.tokenizer_family == "none") return std::nullopt;
    // Version 1 has the same options among all those of the training.
    return ReadKept(manifest.reading.empty() ? manifest.training : manifest.reading,
                    JoinPath(path, "manifest.json"), path);
  }
  const std::string exported = JoinPath(path, kExported);
  const std::string file = JoinPath(exported, kReadingName);
  if (!FileExists(file)) return std::nullopt;
  OPENP5_ASSIGN_OR_RETURN(const auto values, ReadJsonObject(file));
  return ReadKept(values, file, exported);
}

void Reading::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "tasks", .help = "tasks of the prompts to use"}, &tasks);
  history.ForEach(visitor);
  visitor.Visit({.name = "max-input-tokens",
                 .help = "prompts are cut to this many tokens",
                 .minimum = 1,
                 .maximum = 1000000},
                &max_input_tokens);
  visitor.Visit(
      {.name = "openp5-compat", .help = "reproduce the original's quirks that change numbers"},
      &openp5_compat);
  visitor.Visit({.name = "response-mark",
                 .help = "text between a causal model's prompt and its answer; empty: nothing, so "
                         "that the history goes on with the target"},
                &response_mark);
  visitor.Visit({.name = "score-normalization",
                 .help = "scores over the whole vocabulary (as published), or over the allowed "
                         "tokens only (faster, other scores)",
                 .choices = {"full", "allowed"}},
                &score_normalization);
}

nlohmann::json Reading::Json() const {
  nlohmann::json json = nlohmann::json::object();
  ToJson(*this, &json);
  return json;
}

absl::Status WriteReading(const std::string& path, const std::string& folder) {
  OPENP5_ASSIGN_OR_RETURN(const ModelSource source, ModelSource::Open(path));
  OPENP5_ASSIGN_OR_RETURN(const auto kept, FindReading(source));
  if (!kept.has_value()) return absl::OkStatus();
  const std::string exported = JoinPath(folder, kExported);
  OPENP5_RETURN_IF_ERROR(MakeDirectories(exported));
  OPENP5_RETURN_IF_ERROR(WriteJson(JoinPath(exported, kReadingName), kept->reading.Json()));
  OPENP5_RETURN_IF_ERROR(CopyIfThere(kept->prompt_file, JoinPath(exported, kPromptsName)));
  return CopyIfThere(JoinPath(path, kIndexName), ExportedIndex(folder));
}

std::string ExportedIndex(const std::string& folder) {
  return JoinPath(JoinPath(folder, kExported), kIndexName);
}

}  // namespace openp5::checkpoints

#include "platform/app/reading.h"

#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "checkpoints/checkpoint.h"
#include "datasets/prompts.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/log.h"
#include "trainers/model_folder.h"

namespace openp5::app {
namespace {

constexpr char kPromptFile[] = "prompt-file";
constexpr char kExported[] = "openp5";  // folder in an export
constexpr char kReadingName[] = "reading.json";
constexpr char kIndexName[] = "items.index";

// A value of an options struct as a flag's text.
std::string FlagText(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return absl::StrJoin(value.get<std::vector<std::string>>(), ",");
  return value.dump();
}

// What a folder keeps of its model's training.
struct KeptReading {
  Reading reading;
  std::string prompt_file;  // may be absent
};

absl::StatusOr<KeptReading> ReadKept(const nlohmann::json& values, const std::string& where,
                                     const std::string& folder) {
  KeptReading kept{.reading = {}, .prompt_file = JoinPath(folder, trainers::kPromptsName)};
  const absl::Status read = FromJson(values, &kept.reading);
  if (!read.ok()) return DataLoss("checkpoint: ", where, ": ", ToStd(read.message()));
  return kept;
}

// Nothing for a folder that does not say how its model reads, or whose model reads no text.
absl::StatusOr<std::optional<KeptReading>> FindReading(const std::string& path) {
  if (checkpoints::IsCheckpoint(path)) {
    OPENP5_ASSIGN_OR_RETURN(const auto manifest, checkpoints::ReadManifest(path));
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

// The folder's prompts, unless the caller names a file; a difference between the two is noted.
absl::Status UsePrompts(const std::string& path, const std::string& own, CommandLine* line,
                        std::vector<std::string>* differences) {
  if (!FileExists(own)) {
    if (line->IsGiven(kPromptFile)) return absl::OkStatus();
    LogWarning(StrCat(path,
                      ": the checkpoint does not hold the prompts it was trained with (an older "
                      "openp5 wrote it), so the built-in ones are used; hint: give the prompts of "
                      "its training by --prompt-file"));
    return absl::OkStatus();
  }
  if (!line->IsGiven(kPromptFile)) return line->Set(kPromptFile, own, path);
  OPENP5_ASSIGN_OR_RETURN(const auto trained, datasets::PromptSet::Open(own));
  OPENP5_ASSIGN_OR_RETURN(const auto given, datasets::PromptSet::Open(line->Get(kPromptFile)));
  if (given.Text() != trained.Text()) differences->push_back("other prompts");
  return absl::OkStatus();
}

// Copies a file that may be absent.
absl::Status CopyIfThere(const std::string& from, const std::string& to) {
  if (!FileExists(from)) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const std::string content, ReadFile(from));
  return WriteFileAtomic(to, content);
}

}  // namespace

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
}

nlohmann::json Reading::Json() const {
  nlohmann::json json = nlohmann::json::object();
  ToJson(*this, &json);
  return json;
}

absl::Status UseReading(const std::string& path, const Reading& reading, CommandLine* line) {
  OPENP5_ASSIGN_OR_RETURN(const auto kept, FindReading(path));
  if (!kept.has_value()) return absl::OkStatus();
  std::vector<std::string> differences;
  const nlohmann::json given = reading.Json(), trained = kept->reading.Json();
  for (const auto& [name, value] : trained.items()) {
    if (!line->IsGiven(name)) {
      OPENP5_RETURN_IF_ERROR(line->Set(name, FlagText(value), path));
    } else if (given[name] != value && name != "tasks") {
      differences.push_back(
          StrCat("--", name, " '", FlagText(given[name]), "', not '", FlagText(value), "'"));
    }
  }
  OPENP5_RETURN_IF_ERROR(UsePrompts(path, kept->prompt_file, line, &differences));
  if (differences.empty()) return absl::OkStatus();
  LogInfo(StrCat(
      path, ": asked otherwise than the model was trained: ", absl::StrJoin(differences, "; ")));
  return absl::OkStatus();
}

absl::Status WriteReading(const std::string& path, const std::string& folder) {
  OPENP5_ASSIGN_OR_RETURN(const auto kept, FindReading(path));
  if (!kept.has_value()) return absl::OkStatus();
  const std::string exported = JoinPath(folder, kExported);
  OPENP5_RETURN_IF_ERROR(MakeDirectories(exported));
  OPENP5_RETURN_IF_ERROR(WriteJson(JoinPath(exported, kReadingName), kept->reading.Json()));
  OPENP5_RETURN_IF_ERROR(
      CopyIfThere(kept->prompt_file, JoinPath(exported, trainers::kPromptsName)));
  return CopyIfThere(JoinPath(path, kIndexName), ExportedIndex(folder));
}

std::string ExportedIndex(const std::string& folder) {
  return JoinPath(JoinPath(folder, kExported), kIndexName);
}

}  // namespace openp5::app

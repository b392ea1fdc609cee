#include "platform/app/reading.h"

#include "absl/strings/str_join.h"
#include "datasets/prompts.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

namespace openp5::app {
namespace {

using checkpoints::KeptReading;

constexpr char kPromptFile[] = "prompt-file";

// A value of an options struct as a flag's text.
std::string FlagText(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) return absl::StrJoin(value.get<std::vector<std::string>>(), ",");
  return value.dump();
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

}  // namespace

absl::Status UseReading(const checkpoints::ModelSource& source, const checkpoints::Reading& reading,
                        CommandLine* line) {
  const std::string& path = source.path;
  OPENP5_ASSIGN_OR_RETURN(const auto kept, checkpoints::FindReading(source));
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

}  // namespace openp5::app

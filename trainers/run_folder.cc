#include "trainers/run_folder.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "platform/base/file.h"
#include "trainers/run_report.h"

namespace openp5::trainers {
namespace {

// True for options that may differ when a run goes on: they change nothing that is computed, or
// (test-…) only what is measured.
bool IsFree(std::string_view option) {
  constexpr std::string_view kFree[] = {
      "resume", "threads",      "run-dir",    "data-dir",          "index-db",
      "format", "logging-step", "save-steps", "test-before-train", "test-epoch"};
  return std::find(std::begin(kFree), std::end(kFree), option) != std::end(kFree);
}

std::vector<std::string> ComparedLines(const std::string& config) {
  std::vector<std::string> lines;
  std::istringstream stream(config);
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.starts_with("#")) continue;
    if (!IsFree(line.substr(0, line.find('=')))) lines.push_back(line);
  }
  return lines;
}

absl::Status CheckSameConfig(const std::string& file, const std::string& config) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  const std::vector<std::string> before = ComparedLines(text);
  const std::vector<std::string> now = ComparedLines(config);
  for (size_t i = 0; i < std::max(before.size(), now.size()); ++i) {
    const std::string was = i < before.size() ? before[i] : "nothing";
    const std::string is = i < now.size() ? now[i] : "nothing";
    if (was != is) {
      return FailedPrecondition(file, ": the run was started with ", was, ", got ", is,
                                "; hint: resume with the same options");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> IsEmptyOrAbsent(const std::string& path) {
  if (!FileExists(path)) return true;
  if (!IsDirectory(path)) return UsageError(StrCat("--run-dir: ", path, " is not a folder"));
  std::error_code error;
  const std::filesystem::directory_iterator first(path, error);
  if (error) return FailedPrecondition("--run-dir: ", path, ": ", error.message());
  return first == std::filesystem::directory_iterator();
}

}  // namespace

absl::StatusOr<RunFolder> RunFolder::Open(const std::string& path, const std::string& config,
                                          bool resume) {
  OPENP5_ASSIGN_OR_RETURN(const bool fresh, IsEmptyOrAbsent(path));
  const std::string config_file = JoinPath(path, "config.ini");
  if (!fresh && !resume) {
    return UsageError(
        StrCat("--run-dir: ", path, " is not empty; hint: --resume to go on, or another folder"));
  }
  if (!fresh) {
    if (!FileExists(config_file)) {
      return UsageError(
          StrCat("--run-dir: ", path, " holds no run (no config.ini); hint: another folder"));
    }
    OPENP5_RETURN_IF_ERROR(CheckSameConfig(config_file, config));
    return RunFolder(path);
  }
  OPENP5_RETURN_IF_ERROR(MakeDirectories(JoinPath(path, "checkpoints")));
  OPENP5_RETURN_IF_ERROR(WriteFileAtomic(config_file, config));
  return RunFolder(path);
}

bool RunFolder::HasState() const { return FileExists(StatePath()); }

std::string RunFolder::StatePath() const {
  return JoinPath(path_, "checkpoints/training_state.safetensors");
}

std::string RunFolder::CheckpointPath(const std::string& name) const {
  return JoinPath(path_, "checkpoints/" + name);
}

absl::Status RunFolder::Log(const nlohmann::ordered_json& line) const {
  return AppendToFile(JoinPath(path_, "metrics.jsonl"), line.dump() + "\n");
}

absl::Status RunFolder::WriteReport() const {
  RunReportContent content{.title = BaseName(path_), .config = {}, .lines = {}};
  OPENP5_ASSIGN_OR_RETURN(content.config, ReadFile(JoinPath(path_, "config.ini")));
  OPENP5_ASSIGN_OR_RETURN(const std::string metrics, ReadFile(JoinPath(path_, "metrics.jsonl")));
  std::istringstream stream(metrics);
  for (std::string line; std::getline(stream, line);) {
    // A line that a crash cut off is no object: the report passes over it.
    content.lines.push_back(nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false));
  }
  return WriteFileAtomic(JoinPath(path_, "report.html"), RunReport(content));
}

}  // namespace openp5::trainers

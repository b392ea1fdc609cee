#include "trainers/run_folder.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/temporary_output.h"
#include "trainers/run_report.h"

namespace openp5::trainers {
namespace {

// True for options that may differ when a run goes on: they change nothing that is computed, or
// (test-…) only what is measured.
bool IsFree(std::string_view option) {
  constexpr std::string_view kFree[] = {"resume",
                                        "threads",
                                        "run-dir",
                                        "data-dir",
                                        "index-db",
                                        "format",
                                        "logging-step",
                                        "save-steps",
                                        "save-minutes",
                                        "keep-best",
                                        "patience",
                                        "nproc",
                                        "distributed-timeout",
                                        "test-before-train",
                                        "test-epoch",
                                        "test-after-train"};
  return std::find(std::begin(kFree), std::end(kFree), option) != std::end(kFree);
}

// Names of what is in `folder`, ascending.
absl::StatusOr<std::vector<std::string>> FileNames(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename().string());
  }
  if (error) return FailedPrecondition("cannot list: ", folder, ": ", error.message());
  std::sort(names.begin(), names.end());
  return names;
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

constexpr std::string_view kLock = ".lock";

// The lock and unfinished files count for nothing: a process killed at its very start leaves them.
absl::StatusOr<bool> IsEmptyOrAbsent(const std::string& path) {
  if (!FileExists(path)) return true;
  if (!IsDirectory(path)) return UsageError(StrCat("--run-dir: ", path, " is not a folder"));
  OPENP5_ASSIGN_OR_RETURN(const auto names, FileNames(path));
  return std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return name == kLock || IsTemporaryName(name);
  });
}

}  // namespace

absl::Status CheckSameConfig(const std::string& file, const std::string& config) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  const std::vector<std::string> before = ComparedLines(text);
  const std::vector<std::string> now = ComparedLines(config);
  for (size_t i = 0; i < std::max(before.size(), now.size()); ++i) {
    const std::string was = i < before.size() ? before[i] : "nothing";
    const std::string is = i < now.size() ? now[i] : "nothing";
    if (was != is) {
      return FailedPrecondition(file, ": started with ", was, ", got ", is,
                                "; hint: the same options, or another folder");
    }
  }
  return absl::OkStatus();
}

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
  }
  OPENP5_RETURN_IF_ERROR(MakeDirectories(path));
  OPENP5_ASSIGN_OR_RETURN(auto lock, FileLock::Take(JoinPath(path, kLock)));
  // The configuration first: with it the folder is a run.
  if (fresh) OPENP5_RETURN_IF_ERROR(WriteFileAtomic(config_file, config));
  OPENP5_RETURN_IF_ERROR(MakeDirectories(JoinPath(path, "checkpoints")));
  SweepTemporaries(path);
  SweepTemporaries(JoinPath(path, "checkpoints"));
  return RunFolder(path, std::move(lock));
}

bool RunFolder::HasState() const { return FileExists(StatePath()); }

std::string RunFolder::RecordPath() const { return JoinPath(path_, "run.json"); }

std::string RunFolder::StatePath() const {
  return JoinPath(path_, "checkpoints/training_state.safetensors");
}

std::string RunFolder::CheckpointPath(const std::string& name) const {
  return JoinPath(path_, "checkpoints/" + name);
}

absl::Status RunFolder::Log(const nlohmann::ordered_json& line) const {
  OPENP5_RETURN_IF_ERROR(AppendToFile(JoinPath(path_, "metrics.jsonl"), DumpJson(line) + "\n"));
  return events_.Append(line.value("step", int64_t{0}), ScalarsOf(line));
}

int64_t RunFolder::LogBytes() const { return FileSize(JoinPath(path_, "metrics.jsonl")); }

absl::Status RunFolder::CutLog(int64_t bytes) const {
  return CutFile(JoinPath(path_, "metrics.jsonl"), bytes);
}

absl::Status RunFolder::RemoveCheckpoints(const std::string& prefix,
                                          const std::vector<std::string>& kept) const {
  const std::string folder = JoinPath(path_, "checkpoints");
  OPENP5_ASSIGN_OR_RETURN(const auto names, FileNames(folder));
  for (const std::string& name : names) {
    if (!name.starts_with(prefix) || std::count(kept.begin(), kept.end(), name) > 0) continue;
    std::error_code error;
    std::filesystem::remove_all(JoinPath(folder, name), error);
    if (error)
      return FailedPrecondition("cannot remove: ", folder, "/", name, ": ", error.message());
  }
  return absl::OkStatus();
}

absl::Status RunFolder::WriteReport() const {
  RunReportContent content{.title = BaseName(path_), .config = {}, .lines = {}};
  OPENP5_ASSIGN_OR_RETURN(content.config, ReadFile(JoinPath(path_, "config.ini")));
  OPENP5_ASSIGN_OR_RETURN(const std::string metrics, ReadFile(JoinPath(path_, "metrics.jsonl")));
  std::istringstream stream(metrics);
  for (std::string line; std::getline(stream, line);) {
    // A line that a crash cut off is no object: the report passes over it.
    content.lines.push_back(ParseJson(line, "").value_or(nullptr));
  }
  return WriteFileAtomic(JoinPath(path_, "report.html"), RunReport(content));
}

}  // namespace openp5::trainers

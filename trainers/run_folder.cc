#include "trainers/run_folder.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "platform/base/file.h"
#include "platform/base/log.h"
#include "platform/base/numbers.h"
#include "platform/base/temporary_output.h"
#include "trainers/run_report.h"

namespace openp5::trainers {
namespace {

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

// The lines `name=value` of a configuration by their names, without those of options in `free` or
// `growing`.
std::map<std::string, std::string> ComparedLines(const std::string& config,
                                                 const std::set<std::string>& free,
                                                 const GrowingOptions& growing) {
  std::map<std::string, std::string> lines;
  std::istringstream stream(config);
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.starts_with("#")) continue;
    const std::string name = line.substr(0, line.find('='));
    if (!free.contains(name) && !growing.contains(name)) lines[name] = line;
  }
  return lines;
}

// The number that a configuration gives option `name`. 0 stands for no limit and is the largest.
int64_t LimitIn(const std::string& config, const std::string& name) {
  std::istringstream stream(config);
  int64_t limit = 0;
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(name + "=")) continue;
    limit = ParseNumber<int64_t>(std::string_view(line).substr(name.size() + 1)).value_or(limit);
  }
  return limit == 0 ? std::numeric_limits<int64_t>::max() : limit;
}

constexpr std::string_view kLock = ".lock";
constexpr std::string_view kConfig = "config.ini";
constexpr std::string_view kRecord = "run.json";
constexpr std::string_view kMetrics = "metrics.jsonl";
constexpr std::string_view kCheckpoints = "checkpoints";

// True if `folder` is absent or holds nothing but names that `is_nothing` is true for.
template <class Predicate>
bool HoldsOnly(const std::string& folder, const Predicate& is_nothing) {
  if (!FileExists(folder)) return true;
  const auto names = FileNames(folder);
  return names.ok() && std::all_of(names->begin(), names->end(), is_nothing);
}

// What a process leaves that is killed at its very start.
bool IsLockOrUnfinished(const std::string& name) { return name == kLock || IsTemporaryName(name); }

// True for a run that was refused or killed before it measured or saved anything: it can be begun
// anew, with any options. The lock shows that the folder is a run's and not a user's own.
bool HoldsNothingYet(const std::string& path) {
  constexpr std::string_view kMadeAtStart[] = {kConfig, kRecord, kCheckpoints};
  return FileExists(JoinPath(path, kLock)) && FileExists(RunFolder::ConfigPath(path)) &&
         HoldsOnly(path,
                   [&](const std::string& name) {
                     return IsLockOrUnfinished(name) || TensorBoardEvents::IsEventsFile(name) ||
                            std::count(std::begin(kMadeAtStart), std::end(kMadeAtStart), name) > 0;
                   }) &&
         HoldsOnly(JoinPath(path, kCheckpoints), IsTemporaryName);
}

// True if a run begins at `path`; false if one goes on there. Fails if it must do neither.
absl::StatusOr<bool> Begins(const std::string& path, const RunConfig& config, bool resume) {
  if (FileExists(path) && !IsDirectory(path)) {
    return UsageError(StrCat("--run-dir: ", path, " is not a folder"));
  }
  if (HoldsOnly(path, IsLockOrUnfinished) || HoldsNothingYet(path)) return true;
  if (!resume) {
    return UsageError(
        StrCat("--run-dir: ", path, " is not empty; hint: --resume to go on, or another folder"));
  }
  const std::string config_file = RunFolder::ConfigPath(path);
  if (!FileExists(config_file)) {
    return UsageError(
        StrCat("--run-dir: ", path, " holds no run (no config.ini); hint: another folder"));
  }
  OPENP5_RETURN_IF_ERROR(CheckSameConfig(config_file, config, {"epochs", "max-steps"}));
  return false;
}

// Removes what lies in `folder` under a name that `is_removed` is true for.
template <class Predicate>
absl::Status RemoveNamed(const std::string& folder, const Predicate& is_removed) {
  OPENP5_ASSIGN_OR_RETURN(const auto names, FileNames(folder));
  for (const std::string& name : names) {
    if (!is_removed(name)) continue;
    const std::string path = JoinPath(folder, name);
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return FailedPrecondition("cannot remove: ", path, ": ", error.message());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSameConfig(const std::string& file, const RunConfig& config,
                             const GrowingOptions& growing) {
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  auto before = ComparedLines(text, config.free, growing);
  auto now = ComparedLines(config.text, config.free, growing);
  for (const auto& [name, line] : before) now.try_emplace(name, "nothing");
  for (const auto& [name, is] : now) {
    const std::string& was = before.try_emplace(name, "nothing").first->second;
    if (was != is) {
      return FailedPrecondition(file, ": started with ", was, ", got ", is,
                                "; hint: the same options, or another folder");
    }
  }
  for (const std::string& name : growing) {
    const int64_t was = LimitIn(text, name), is = LimitIn(config.text, name);
    if (is < was) {
      return FailedPrecondition(file, ": started with a larger --", name, ", got ", is,
                                "; hint: a run can be given more, but not less");
    }
  }
  return absl::OkStatus();
}

absl::Status RunFolder::Check(const std::string& path, const RunConfig& config, bool resume) {
  return Begins(path, config, resume).status();
}

absl::StatusOr<RunFolder> RunFolder::Open(const std::string& path, const RunConfig& config,
                                          bool resume) {
  OPENP5_RETURN_IF_ERROR(Check(path, config, resume));
  OPENP5_RETURN_IF_ERROR(MakeDirectories(path));
  OPENP5_ASSIGN_OR_RETURN(auto lock, FileLock::Take(JoinPath(path, kLock)));
  // Once more, now that nobody else can change it.
  OPENP5_ASSIGN_OR_RETURN(const bool begins, Begins(path, config, resume));
  const std::string config_file = ConfigPath(path);
  if (begins) {
    OPENP5_RETURN_IF_ERROR(
        RemoveNamed(path, [](std::string_view name) { return name == kRecord; }));
  }
  // The configuration first: with it the folder is a run. A run that goes on may get more epochs.
  if (begins || ReadFile(config_file).value_or("") != config.text) {
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(config_file, config.text));
  }
  OPENP5_RETURN_IF_ERROR(MakeDirectories(JoinPath(path, kCheckpoints)));
  SweepTemporaries(path);
  SweepTemporaries(JoinPath(path, kCheckpoints));
  return RunFolder(path, std::move(lock));
}

bool RunFolder::HasState() const { return FileExists(StatePath()); }

std::string RunFolder::RecordPath() const { return JoinPath(path_, kRecord); }

std::string RunFolder::StatePath() const {
  return JoinPath(path_, "checkpoints/training_state.safetensors");
}

std::string RunFolder::CheckpointPath(const std::string& name) const {
  return JoinPath(path_, "checkpoints/" + name);
}

absl::Status RunFolder::Log(const RunMetrics& metrics) const {
  OPENP5_RETURN_IF_ERROR(AppendToFile(JoinPath(path_, kMetrics), MetricsLine(metrics)));
  return events_.Append(StepOf(metrics), ScalarsOf(metrics));
}

int64_t RunFolder::LogBytes() const { return FileSize(JoinPath(path_, kMetrics)); }

absl::Status RunFolder::CutLog(int64_t bytes) const {
  const std::string path = JoinPath(path_, kMetrics);
  if (LogBytes() < bytes) {
    LogWarning(StrCat(path, ": expected at least ", bytes, " bytes, got ", LogBytes(),
                      "; numbers of earlier steps are lost"));
  }
  return CutFile(path, bytes);
}

absl::Status RunFolder::ClearLog() const {
  OPENP5_RETURN_IF_ERROR(CutFile(JoinPath(path_, kMetrics), 0));
  return RemoveNamed(path_, TensorBoardEvents::IsEventsFile);
}

absl::Status RunFolder::SyncLog() const {
  const std::string path = JoinPath(path_, kMetrics);
  return FileExists(path) ? SyncToDevice(path) : absl::OkStatus();
}

absl::Status RunFolder::RemoveCheckpoints(const std::string& prefix,
                                          const std::vector<std::string>& kept) const {
  return RemoveNamed(JoinPath(path_, kCheckpoints), [&](std::string_view name) {
    return name.starts_with(prefix) && std::count(kept.begin(), kept.end(), name) == 0;
  });
}

absl::Status RunFolder::WriteReport() const {
  OPENP5_ASSIGN_OR_RETURN(const std::string config, ReadFile(ConfigPath(path_)));
  OPENP5_ASSIGN_OR_RETURN(const std::string metrics, ReadFile(JoinPath(path_, kMetrics)));
  return WriteFileAtomic(
      JoinPath(path_, "report.html"),
      RunReport({.title = BaseName(path_), .config = config, .metrics = ReadMetrics(metrics)}));
}

}  // namespace openp5::trainers

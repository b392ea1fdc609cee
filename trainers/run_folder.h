#ifndef OPENP5_TRAINERS_RUN_FOLDER_H_
#define OPENP5_TRAINERS_RUN_FOLDER_H_

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/file.h"
#include "platform/base/status.h"
#include "trainers/run_metrics.h"
#include "trainers/tensorboard_events.h"

namespace openp5::trainers {

// The options of a run.
struct RunConfig {
  RunConfig(std::string text, std::set<std::string> free = {})  // NOLINT: a text alone is one, too
      : text(std::move(text)), free(std::move(free)) {}
  RunConfig(const char* text) : RunConfig(std::string(text)) {}  // NOLINT

  std::string text;  // INI, a line `name=value` an option
  // Those that may differ when the run goes on: they change nothing that is computed, but only
  // where and how fast, what is kept, or what else is measured.
  std::set<std::string> free;
};

// Names of options that are limits: 0 is none.
using GrowingOptions = std::set<std::string>;

// FailedPrecondition, naming the first option by name that differs, if config `file` is not that of
// `config`. Its free options are not compared, and a limit of `growing` may be larger than in the
// file. Fails as ReadFile.
absl::Status CheckSameConfig(const std::string& file, const RunConfig& config,
                             const GrowingOptions& growing = {});

// The folder of one training run:
//   config.ini                         the options it was started with
//   run.json                           what it was made with and how it went (RunRecord)
//   metrics.jsonl                      one JSON object a line
//   report.html                        a page with curves of those numbers
//   events.out.tfevents.…              the same for TensorBoard, a file for every start
//   checkpoints/best, checkpoints/last
//   checkpoints/training_state.safetensors
class RunFolder {
 public:
  // Makes or opens folder `path`. A usage error if it holds something and `resume` is off, or if it
  // is no run folder. Fails as CheckSameConfig if the run was started with other options (it may go
  // on with more epochs and steps); FailedPrecondition if another process trains in it. A run that
  // has measured and saved nothing yet is begun anew. What a killed process left unfinished is
  // removed.
  static absl::StatusOr<RunFolder> Open(const std::string& path, const RunConfig& config,
                                        bool resume);

  // The file of the options that the run in folder `path` was started with.
  static std::string ConfigPath(const std::string& path) { return JoinPath(path, "config.ini"); }
  // Says before anything is made or computed what Open would refuse.
  static absl::Status Check(const std::string& path, const RunConfig& config, bool resume);

  // True if there is a state to go on from.
  bool HasState() const;
  std::string RecordPath() const;
  std::string StatePath() const;
  std::string CheckpointPath(const std::string& name) const;
  // Begins this start's events file: the run goes on after `step`, and TensorBoard drops what was
  // measured of later ones. To be called once, before Log.
  absl::Status BeginEvents(int64_t step) const { return events_.Start(step + 1); }
  // Appends a line to metrics.jsonl, and its numbers to the events.
  absl::Status Log(const RunMetrics& metrics) const;
  int64_t LogBytes() const;
  // Takes back the lines after the first `bytes`: they were written after the state that a run goes
  // on from. Warns if there are fewer.
  absl::Status CutLog(int64_t bytes) const;
  // Takes back all lines and events: they are of a run that was stopped before it saved anything.
  absl::Status ClearLog() const;
  // Flushes the log to the device.
  absl::Status SyncLog() const;
  // Removes the checkpoints whose names begin with `prefix` and are none of `kept`.
  absl::Status RemoveCheckpoints(const std::string& prefix,
                                 const std::vector<std::string>& kept) const;
  // Makes report.html of what was logged so far.
  absl::Status WriteReport() const;
  const std::string& path() const { return path_; }

 private:
  RunFolder(std::string path, std::shared_ptr<FileLock> lock)
      : path_(std::move(path)), lock_(std::move(lock)), events_(TensorBoardEvents::In(path_)) {}
  std::string path_;
  std::shared_ptr<FileLock> lock_;
  TensorBoardEvents events_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_RUN_FOLDER_H_

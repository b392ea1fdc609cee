#ifndef OPENP5_TRAINERS_RUN_FOLDER_H_
#define OPENP5_TRAINERS_RUN_FOLDER_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/file.h"
#include "platform/base/status.h"

namespace openp5::trainers {

// The folder of one training run:
//   config.ini                         the options it was started with
//   metrics.jsonl                      one JSON object a line
//   report.html                        a page with curves of those numbers
//   checkpoints/best, checkpoints/last
//   checkpoints/training_state.safetensors
class RunFolder {
 public:
  // Makes or opens folder `path`. A usage error if it holds something and `resume` is off, or if it
  // is no run folder. FailedPrecondition naming the option if the run was started with other
  // options than `config` (those that do not change results are not compared), or if another
  // process trains in it. What a killed process left unfinished is removed.
  static absl::StatusOr<RunFolder> Open(const std::string& path, const std::string& config,
                                        bool resume);

  // True if there is a state to go on from.
  bool HasState() const;
  std::string StatePath() const;
  std::string CheckpointPath(const std::string& name) const;
  // Appends one line to metrics.jsonl.
  absl::Status Log(const nlohmann::ordered_json& line) const;
  int64_t LogBytes() const;
  // Takes back the lines after the first `bytes`: they were written after the state that a run goes
  // on from.
  absl::Status CutLog(int64_t bytes) const;
  // Removes the checkpoints whose names begin with `prefix` and are none of `kept`.
  absl::Status RemoveCheckpoints(const std::string& prefix,
                                 const std::vector<std::string>& kept) const;
  // Makes report.html of what was logged so far.
  absl::Status WriteReport() const;
  const std::string& path() const { return path_; }

 private:
  RunFolder(std::string path, std::shared_ptr<FileLock> lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  std::shared_ptr<FileLock> lock_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_RUN_FOLDER_H_

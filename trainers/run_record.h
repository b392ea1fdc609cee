#ifndef OPENP5_TRAINERS_RUN_RECORD_H_
#define OPENP5_TRAINERS_RUN_RECORD_H_

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "platform/base/status.h"

namespace openp5::trainers {

// run.json: what a run was made with and how it went, one object for every time it was started.
//   {"command": "openp5 train …",          repeats the run (in another --run-dir)
//    "outcome": "finished",                of the last start: also "running" (or killed),
//    "stopped",
//                                          "failed"
//    "error": "…",                         what went wrong, if it failed
//    "result": {…},                        of the command, once finished
//    "seconds": 81.5,                      over all starts
//    "peak_memory_bytes": 812345678,       of the largest
//    "starts": [{"time": "2026-01-31T12:00:00Z", "command", "directory", …, "outcome" (also
//                "killed"), "seconds", "peak_memory_bytes"}]}
class RunRecord {
 public:
  // Adds a start, described by `facts` ("command" among them), to the file, which is made if
  // absent. DataLoss if it is no such file.
  static absl::StatusOr<RunRecord> Begin(const std::string& path, nlohmann::ordered_json facts);

  // Says how the start ended: `outcome` and, if OK, the `result`.
  absl::Status End(const absl::Status& outcome, nlohmann::ordered_json result);

 private:
  explicit RunRecord(std::string path)
      : path_(std::move(path)), start_(std::chrono::steady_clock::now()) {}
  absl::Status Write() const;

  std::string path_;
  std::chrono::steady_clock::time_point start_;
  nlohmann::ordered_json json_;
};

// Reads run.json. NotFound if there is none, DataLoss if it is no such file.
absl::StatusOr<nlohmann::ordered_json> ReadRunRecord(const std::string& path);

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_RUN_RECORD_H_

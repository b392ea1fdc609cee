#ifndef OPENP5_TRAINERS_SWEEP_H_
#define OPENP5_TRAINERS_SWEEP_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/child_process.h"
#include "platform/base/file.h"
#include "platform/base/status.h"
#include "platform/config/search_space.h"
#include "trainers/run_folder.h"

namespace openp5::trainers {

struct SweepPlan {
  std::string folder = {};     // of the sweep
  RunConfig base_config = "";  // all options of `train`
  std::vector<SearchSpace::Trial> trials = {};
  std::string valid_select = {};  // "loss" or a metric: what trials are compared by
  int64_t jobs = 1;               // trainings at once
  int64_t processes = 1;          // of each
  int64_t threads = 1;            // of all of them together
};

// Trainings that differ in some options, each a process with a run folder of its own. The folder:
//   base.ini        the options of `train` that all have in common
//   trial-NNN       the run folder of trial NNN, counted from 0
//   trial-NNN.log   what it wrote
//   sweep.json      every trial's options, state and results, the best first
// Not thread-safe.
class Sweep {
 public:
  // Makes or opens the folder. Trials that are finished there stay so. A usage error if it holds
  // something else; FailedPrecondition naming the difference if it holds a sweep with other options
  // or other trials (their number may differ), or if another process works on it.
  static absl::StatusOr<Sweep> Open(SweepPlan plan);
  Sweep(Sweep&&) = default;

  // Runs every trial that is not finished; one that was stopped goes on where it stopped. A trial
  // that fails does not keep the others from running: FailedPrecondition at the end. Cancelled
  // after SIGINT or SIGTERM where they are caught, when all trainings have saved their state.
  absl::Status Run();

  // {"valid_select", "trials": [{"trial", "options", "state", …}]}, the best first.
  nlohmann::ordered_json ToJson() const;
  std::string Table() const;

 private:
  enum class State { kWaiting, kRunning, kFinished, kStopped, kFailed };
  struct Trial {
    SearchSpace::Trial options;
    State state = State::kWaiting;
    std::string error = {};                                 // if it failed, its last line
    double seconds = 0;                                     // over all its starts
    double validation = 0;                                  // if it is finished
    std::vector<std::pair<std::string, double>> test = {};  // means over datasets and tasks
  };

  explicit Sweep(SweepPlan plan);
  absl::Status CheckSameTrials(const std::string& file) const;
  // Takes over what the trial's run.json says, if it is there.
  void Load(size_t trial);
  absl::Status Write() const;

  std::string Path(size_t trial, const char* extension = "") const;
  std::vector<size_t> BestFirst() const;
  int64_t CountOf(State state) const;
  std::string Title(size_t trial) const;
  std::vector<std::string> Arguments(size_t trial) const;

  // As many as may run at once. True if there were any.
  bool StartWaiting();
  void End(size_t trial, int exit_code);
  absl::Status Outcome() const;

  SweepPlan plan_;
  std::shared_ptr<FileLock> lock_;
  std::vector<Trial> trials_;
  ChildProcesses running_;  // by trial
  int64_t threads_each_ = 1;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_SWEEP_H_

#ifndef OPENP5_TRAINERS_VALIDATION_H_
#define OPENP5_TRAINERS_VALIDATION_H_

#include <nlohmann/json.hpp>
#include <vector>

#include "evaluators/metrics.h"
#include "platform/base/status.h"
#include "platform/distributed/process_group.h"
#include "trainers/train_options.h"
#include "trainers/training_state.h"
#include "trainers/training_task.h"

namespace openp5::trainers {

// Means by the groups' names, of those that have any.
nlohmann::ordered_json LossesJson(const std::vector<TaskGroup>& groups,
                                  const std::vector<LossMean>& losses);

struct ValidationResult {
  // What epochs are compared by, smaller is better: the mean loss, or the negative mean of a metric
  // over all groups.
  double value = 0;
  std::vector<LossMean> losses = {};                              // by group
  nlohmann::ordered_json log = nlohmann::ordered_json::object();  // fields of metrics.jsonl
};

// Measures a model on the validation split as `options.valid_select` asks. The result is the same
// for any number of processes.
class Validation {
 public:
  // The arguments outlive this; `group` nullptr: one process. Fails as ParseSelection.
  static absl::StatusOr<Validation> Create(TrainingTask* task, const TrainOptions& options,
                                           ProcessGroup* group);

  // The metric that --valid-select names, if it is one; none for "loss" and "none". UsageError if
  // there is no such metric.
  static absl::StatusOr<std::vector<evaluators::Metric>> ParseSelection(
      const std::string& valid_select);

  // False with --valid-select none: then Measure computes nothing, and every epoch is as good.
  bool is_on() const { return options_->valid_select != "none"; }
  bool by_loss() const { return is_on() && metric_.empty(); }
  // Cancelled if any process got a signal that asks to stop.
  absl::StatusOr<ValidationResult> Measure() const;

 private:
  Validation(TrainingTask* task, const TrainOptions& options, ProcessGroup* group)
      : task_(task), options_(&options), group_(group) {}

  absl::StatusOr<std::vector<LossMean>> MeasureLosses() const;

  TrainingTask* task_;
  const TrainOptions* options_;
  ProcessGroup* group_;
  std::vector<evaluators::Metric> metric_ = {};  // one, or by loss, or none
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_VALIDATION_H_

#include "trainers/validation.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "evaluators/report.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/tensor/runtime.h"

namespace openp5::trainers {

nlohmann::ordered_json LossesJson(const std::vector<TaskGroup>& groups,
                                  const std::vector<LossMean>& losses) {
  auto json = nlohmann::ordered_json::object();
  for (size_t group = 0; group < losses.size(); ++group) {
    if (losses[group].weight > 0) json[groups[group].name] = losses[group].Value();
  }
  return json;
}

absl::StatusOr<Validation> Validation::Create(TrainingTask* task, const TrainOptions& options,
                                              ProcessGroup* group) {
  Validation validation(task, options, group);
  OPENP5_ASSIGN_OR_RETURN(validation.metric_, ParseSelection(options.valid_select));
  return validation;
}

absl::StatusOr<std::vector<evaluators::Metric>> Validation::ParseSelection(
    const std::string& valid_select) {
  if (valid_select == "loss" || valid_select == "none") return std::vector<evaluators::Metric>();
  auto parsed = evaluators::ParseMetrics({valid_select});
  if (parsed.ok()) return parsed;
  return UsageError(StrCat("--valid-select: expected loss, none or a metric such as hit@10, got '",
                           valid_select, "'"));
}

absl::StatusOr<ValidationResult> Validation::Measure() const {
  ValidationResult result;
  if (!is_on()) {
    result.losses.resize(task_->groups().size());
    return result;
  }
  OPENP5_ASSIGN_OR_RETURN(result.losses, MeasureLosses());
  result.value = Joined(result.losses).Value();
  result.log["validation_losses"] = LossesJson(task_->groups(), result.losses);
  if (by_loss()) return result;
  OPENP5_ASSIGN_OR_RETURN(const auto rankings, task_->Evaluate("validation", metric_));
  double sum = 0;
  for (const evaluators::RankingResult& ranking : rankings) sum += ranking.metrics.front().value;
  const double mean = sum / static_cast<double>(rankings.size());
  LogInfo(absl::StrFormat("validation %s %.4f", options_->valid_select, mean));
  result.log["validation_metric"] = mean;
  result.log["validation_results"] = evaluators::ResultsToJson(rankings)["results"];
  result.value = -mean;
  return result;
}

// Ranks compute every n-th batch each; what is added up, and its order, is the same for any number.
absl::StatusOr<std::vector<LossMean>> Validation::MeasureLosses() const {
  const c10::AutoGradMode no_gradients(false);
  const int64_t world_size = group_ == nullptr ? 1 : group_->size();
  const int64_t rank = group_ == nullptr ? 0 : group_->rank();
  const auto groups = static_cast<int64_t>(task_->groups().size());
  std::vector<size_t> group_of;         // by batch
  std::vector<double> losses, weights;  // by batch
  int64_t stopped = 0;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t size = task_->ValidationSize(group);
    for (int64_t begin = 0; begin < size; begin += options_->batch_size) {
      const auto number = static_cast<int64_t>(losses.size());
      group_of.push_back(static_cast<size_t>(group));
      losses.push_back(0);
      weights.push_back(0);
      if (TerminationSignal() != 0) stopped = 1;
      if (stopped != 0 || number % world_size != rank) continue;
      const int64_t end = std::min(size, begin + options_->batch_size);
      OPENP5_RETURN_IF_ERROR(CatchTorch("validation", [&]() -> absl::Status {
        OPENP5_ASSIGN_OR_RETURN(const models::TrainingBatch batch,
                                task_->MakeValidationBatch(group, begin, end));
        losses.back() = task_->Loss(batch).item<double>();
        weights.back() = task_->Weight(batch);
        return absl::OkStatus();
      }));
    }
  }
  std::vector<double> values = losses;
  values.insert(values.end(), weights.begin(), weights.end());
  values.push_back(static_cast<double>(stopped));
  if (group_ != nullptr) {
    OPENP5_ASSIGN_OR_RETURN(values, group_->Sum(std::move(values)));
  }
  if (values.back() > 0) return absl::CancelledError("validation: stopped by a signal");
  std::vector<LossMean> means(static_cast<size_t>(groups));
  for (size_t i = 0; i < group_of.size(); ++i) {
    means[group_of[i]].Add(values[i], values[group_of.size() + i]);
  }
  return means;
}

}  // namespace openp5::trainers

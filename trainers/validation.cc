#include "trainers/validation.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "platform/base/log.h"
#include "platform/base/signals.h"
#include "platform/tensor/runtime.h"

namespace openp5::trainers {

absl::StatusOr<ValidationResult> Validation::Measure() const {
  ValidationResult result;
  if (selection_.by() == SelectBy::kNothing) {
    result.losses.resize(task_.groups().size());
    return result;
  }
  OPENP5_ASSIGN_OR_RETURN(result.losses, MeasureLosses());
  result.value = Joined(result.losses).Value();
  if (selection_.by() == SelectBy::kLoss) return result;
  OPENP5_ASSIGN_OR_RETURN(result.rankings,
                          task_.Evaluate(datasets::Split::kValidation, selection_.metric()));
  double sum = 0;
  for (const auto& ranking : result.rankings) sum += ranking.metrics.front().value;
  const double mean = sum / static_cast<double>(result.rankings.size());
  LogInfo(absl::StrFormat("validation %s %.4f", selection_.name(), mean));
  result.value = -mean;
  return result;
}

// Processes compute every n-th batch each; what is added up, and its order, is the same for any
// number.
absl::StatusOr<std::vector<LossMean>> Validation::MeasureLosses() const {
  const c10::AutoGradMode no_gradients(false);
  const int64_t world_size = processes_ == nullptr ? 1 : processes_->size();
  const int64_t rank = processes_ == nullptr ? 0 : processes_->rank();
  const auto groups = static_cast<int64_t>(task_.groups().size());
  std::vector<size_t> group_of;         // by batch
  std::vector<double> losses, weights;  // by batch
  int64_t stopped = 0;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t size = task_.ValidationSize(group);
    for (int64_t begin = 0; begin < size; begin += batch_size_) {
      const auto number = static_cast<int64_t>(losses.size());
      group_of.push_back(static_cast<size_t>(group));
      losses.push_back(0);
      weights.push_back(0);
      if (TerminationSignal() != 0) stopped = 1;
      if (stopped != 0 || number % world_size != rank) continue;
      const int64_t end = std::min(size, begin + batch_size_);
      OPENP5_RETURN_IF_ERROR(CatchTorch("validation", [&]() -> absl::Status {
        OPENP5_ASSIGN_OR_RETURN(const models::TrainingBatch batch,
                                task_.MakeValidationBatch(group, begin, end));
        losses.back() = task_.Loss(batch).item<double>();
        weights.back() = task_.Weight(batch);
        return absl::OkStatus();
      }));
    }
  }
  std::vector<double> values = losses;
  values.insert(values.end(), weights.begin(), weights.end());
  values.push_back(static_cast<double>(stopped));
  if (processes_ != nullptr) {
    OPENP5_ASSIGN_OR_RETURN(values, processes_->Sum(std::move(values)));
  }
  if (values.back() > 0) return absl::CancelledError("validation: stopped by a signal");
  std::vector<LossMean> means(static_cast<size_t>(groups));
  for (size_t i = 0; i < group_of.size(); ++i) {
    means[group_of[i]].Add(values[i], values[group_of.size() + i]);
  }
  return means;
}

}  // namespace openp5::trainers

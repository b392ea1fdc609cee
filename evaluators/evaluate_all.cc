#include "evaluators/evaluate_all.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "evaluators/evaluate.h"
#include "evaluators/report.h"
#include "evaluators/result_file.h"
#include "evaluators/strata.h"

namespace openp5::evaluators {
namespace {

using recommenders::Recommender;

// The intervals of strata are read by eye, so that fewer resamples than a comparison's will do.
constexpr int64_t kStrataResamples = 1000;

class Evaluation {
 public:
  Evaluation(const EvaluationPlan& plan, const EvaluationFiles& files)
      : plan_(plan), files_(files) {}

  absl::StatusOr<std::vector<RankingResult>> Run() {
    for (size_t number = 0; number < plan_.datasets.size(); ++number) {
      const auto baselines = plan_.baselines.Make(*plan_.datasets[number]);
      for (const std::string& task : plan_.tasks) {
        OPENP5_RETURN_IF_ERROR(EvaluateTask(number, task, baselines));
      }
    }
    std::move(of_baselines_.begin(), of_baselines_.end(), std::back_inserter(results_));
    return std::move(results_);
  }

 private:
  using Results = std::vector<RankingResult>;

  absl::Status EvaluateTask(size_t number, const std::string& task,
                            const std::vector<std::unique_ptr<Recommender>>& baselines) {
    const Recommender* subject = plan_.subject;
    if (subject != nullptr) {
      OPENP5_RETURN_IF_ERROR(EvaluateOne(*subject, number, task, plan_.label, &results_));
    }
    if (!plan_.fuse.parts.empty()) OPENP5_RETURN_IF_ERROR(EvaluateFused(task));
    for (const auto& baseline : baselines) {
      OPENP5_RETURN_IF_ERROR(EvaluateOne(*baseline, /*number=*/0, task,
                                         subject != nullptr ? "" : plan_.label, &of_baselines_));
    }
    if (files_.topk == nullptr) return absl::OkStatus();
    const Results& shown = subject != nullptr ? results_ : of_baselines_;
    return files_.topk->Write(TopkLines(shown.back(), *plan_.datasets[number]));
  }

  absl::Status EvaluateFused(const std::string& task) {
    OPENP5_ASSIGN_OR_RETURN(const Fusion fusion,
                            OpenFusion(plan_.kinds, plan_.baselines, plan_.fuse, *plan_.subject,
                                       {task, plan_.metrics.back(), plan_.options}, plan_.runtime));
    return EvaluateOne(*fusion.fused, /*number=*/0, task,
                       plan_.label.empty() ? "" : StrCat(plan_.label, ", fused"), &results_);
  }

  absl::Status EvaluateOne(const Recommender& recommender, size_t number, const std::string& task,
                           const std::string& label, Results* results) {
    OPENP5_ASSIGN_OR_RETURN(RankingResult result, Evaluate(recommender, number, task, plan_.metrics,
                                                           plan_.options, plan_.sharding));
    result.label = label;
    const datasets::SequenceDataset& dataset = recommender.dataset(number);
    if (plan_.strata && plan_.sharding.index == 0) {
      result.strata = MeasureStrata(dataset, EvaluationPositions(dataset, plan_.options),
                                    result.metrics, {.resamples = kStrataResamples});
    }
    if (files_.results != nullptr) {
      OPENP5_RETURN_IF_ERROR(files_.results->Write(ResultLines(result, dataset)));
    }
    results->push_back(std::move(result));
    return absl::OkStatus();
  }

  const EvaluationPlan& plan_;
  const EvaluationFiles& files_;
  Results results_, of_baselines_;
};

}  // namespace

absl::StatusOr<std::vector<RankingResult>> EvaluateAll(const EvaluationPlan& plan,
                                                       const EvaluationFiles& files) {
  return Evaluation(plan, files).Run();
}

absl::StatusOr<int64_t> LargestEvaluationMemory(const EvaluationPlan& plan) {
  int64_t most = 0;
  for (size_t number = 0; number < plan.datasets.size(); ++number) {
    for (const std::string& task : plan.tasks) {
      OPENP5_ASSIGN_OR_RETURN(
          const int64_t bytes,
          EvaluationMemory(*plan.subject, number, task, LargestK(plan.metrics), plan.options));
      most = std::max(most, bytes);
    }
  }
  return most;
}

}  // namespace openp5::evaluators

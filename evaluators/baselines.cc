#include "evaluators/baselines.h"

#include <set>

#include "evaluators/popularity_evaluator.h"

namespace openp5::evaluators {

void BaselineOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "baseline",
                 .help = "also evaluate these under the same protocol; without --checkpoint only "
                         "these",
                 .choices = {"none", "popularity", "item-knn", "transitions"}},
                &baselines);
  item_knn.ForEach(visitor);
  transitions.ForEach(visitor);
}

absl::Status BaselineOptions::Check() const {
  const std::set<std::string> distinct(baselines.begin(), baselines.end());
  if (baselines.empty()) return UsageError("--baseline: expected none or names of baselines");
  if (distinct.size() < baselines.size()) {
    return UsageError("--baseline: expected each baseline once");
  }
  if (distinct.contains("none") && distinct.size() > 1) {
    return UsageError("--baseline: expected none or names of baselines, got both");
  }
  return absl::OkStatus();
}

std::vector<RankingResult> EvaluateBaselines(const datasets::SequenceDataset& dataset,
                                             const std::string& task,
                                             const std::vector<Metric>& metrics,
                                             const EvaluationOptions& evaluation,
                                             const BaselineOptions& options) {
  std::vector<RankingResult> results;
  for (const std::string& name : options.baselines) {
    if (name == "popularity") {
      results.push_back(EvaluatePopularity(dataset, task, metrics, evaluation));
    } else if (name == "item-knn") {
      results.push_back(EvaluateItemKnn(dataset, task, metrics, evaluation, options.item_knn));
    } else if (name == "transitions") {
      results.push_back(
          EvaluateTransitions(dataset, task, metrics, evaluation, options.transitions));
    }
  }
  return results;
}

}  // namespace openp5::evaluators

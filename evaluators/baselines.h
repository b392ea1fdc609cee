#ifndef OPENP5_EVALUATORS_BASELINES_H_
#define OPENP5_EVALUATORS_BASELINES_H_

#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/item_knn_evaluator.h"
#include "evaluators/ranking_result.h"
#include "evaluators/transitions_evaluator.h"
#include "platform/base/status.h"

namespace openp5::evaluators {

// Methods without training, evaluated under a model's protocol.
struct BaselineOptions {
  std::vector<std::string> baselines = {"none"};
  ItemKnnOptions item_knn = {};
  TransitionsOptions transitions = {};

  void ForEach(OptionVisitor& visitor);

  // False for "none".
  bool any() const { return baselines.front() != "none"; }
  // A usage error if none is named, one is named twice, or "none" beside others.
  absl::Status Check() const;
};

// The results of one dataset and task in the order of the names; `options` must pass Check.
std::vector<RankingResult> EvaluateBaselines(const datasets::SequenceDataset& dataset,
                                             const std::string& task,
                                             const std::vector<Metric>& metrics,
                                             const EvaluationOptions& evaluation,
                                             const BaselineOptions& options);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_BASELINES_H_

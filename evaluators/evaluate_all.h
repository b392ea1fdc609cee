#ifndef OPENP5_EVALUATORS_EVALUATE_ALL_H_
#define OPENP5_EVALUATORS_EVALUATE_ALL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/fusion.h"
#include "evaluators/metrics.h"
#include "evaluators/ranking_result.h"
#include "evaluators/sharding.h"
#include "platform/base/status.h"
#include "platform/base/text_output.h"
#include "platform/recommenders/kinds.h"
#include "platform/recommenders/recommender.h"

namespace openp5::evaluators {

// Several methods that are evaluated by one protocol: a recommender, the same fused with others,
// and baselines. What it refers to outlives the call.
struct EvaluationPlan {
  const Registry<recommenders::RecommenderKind>& kinds;
  const recommenders::BaselineOptions& baselines;
  const FuseOptions& fuse;
  const EvaluationOptions& options;
  const std::vector<Metric>& metrics;
  std::vector<const datasets::SequenceDataset*> datasets = {};
  std::vector<std::string> tasks = {};
  const recommenders::Recommender* subject = nullptr;  // nullptr: the baselines alone
  std::string label = {};                              // of the subject, or of the only baseline
  bool strata = false;                                 // whether parts of the users are measured
  Sharding sharding = {};
  Runtime runtime = {};
};

// Files that are written while results come; nullptr: none.
struct EvaluationFiles {
  TextOutput* topk = nullptr;     // the lists of the subject, or of the only baseline
  TextOutput* results = nullptr;  // every result with its values by user
};

// The results of the subject and of its fusion for every dataset and task, then those of the
// baselines. Fails as Evaluate, OpenFusion and TextOutput::Write.
absl::StatusOr<std::vector<RankingResult>> EvaluateAll(const EvaluationPlan& plan,
                                                       const EvaluationFiles& files);

// Bytes that the subject's largest evaluation takes (see EvaluationMemory).
absl::StatusOr<int64_t> LargestEvaluationMemory(const EvaluationPlan& plan);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_EVALUATE_ALL_H_

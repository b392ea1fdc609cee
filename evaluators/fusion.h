#ifndef OPENP5_EVALUATORS_FUSION_H_
#define OPENP5_EVALUATORS_FUSION_H_

#include <memory>
#include <string>
#include <vector>

#include "evaluators/evaluation_options.h"
#include "evaluators/metrics.h"
#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/recommenders/fused_recommender.h"
#include "platform/recommenders/kinds.h"

namespace openp5::evaluators {

// Others whose lists are joined with a model's.
struct FuseOptions {
  std::vector<std::string> parts;
  recommenders::FusionOptions fusion;

  void ForEach(OptionVisitor& visitor);
  // A usage error for a weight that is no number above 0, or if some have one and some have none.
  absl::Status Check() const;
};

// A model and others as one recommender.
struct Fusion {
  std::vector<std::unique_ptr<recommenders::Recommender>> others = {};
  std::unique_ptr<recommenders::FusedRecommender> fused = {};
};

// What the weights are chosen by where none are given.
struct FusionTuning {
  std::string task;
  Metric metric;
  EvaluationOptions evaluation;
};

// Opens the parts beside `model`, which outlives the result. NotFound for a part that is neither a
// baseline nor a folder; else fails as OpenFolder and TuneFusion.
absl::StatusOr<Fusion> OpenFusion(const Registry<recommenders::RecommenderKind>& kinds,
                                  const recommenders::BaselineOptions& baselines,
                                  const FuseOptions& options,
                                  const recommenders::Recommender& model,
                                  const FusionTuning& tuning, const Runtime& runtime);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_FUSION_H_

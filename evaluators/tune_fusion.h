#ifndef OPENP5_EVALUATORS_TUNE_FUSION_H_
#define OPENP5_EVALUATORS_TUNE_FUSION_H_

#include <string>
#include <vector>

#include "evaluators/evaluation_options.h"
#include "evaluators/metrics.h"
#include "platform/base/status.h"
#include "platform/recommenders/fused_recommender.h"

namespace openp5::evaluators {

struct TunedFusion {
  std::vector<double> weights = {};  // of the parts, multiples of 0.1 that add up to 1
  double value = 0;                  // of the metric, on the validation split
};

// The weights under which `fused` is best by `metric` on the validation split, whatever split
// `options` name; of equal ones those that trust the earlier parts more. Every part is asked once.
// A usage error for more than four parts. Fails as Recommender::Start and Rank.
absl::StatusOr<TunedFusion> TuneFusion(const recommenders::FusedRecommender& fused,
                                       const std::string& task, const Metric& metric,
                                       EvaluationOptions options);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_TUNE_FUSION_H_

#ifndef OPENP5_EVALUATORS_BUILTIN_METRICS_H_
#define OPENP5_EVALUATORS_BUILTIN_METRICS_H_

#include <cstdint>
#include <span>

#include "evaluators/metrics.h"

namespace openp5::evaluators {

// The first k entries of a list, or all if there are fewer.
std::span<const int32_t> FirstK(const UserRanking& ranking, int64_t k);

// Adds the metrics of each user's list: hit, recall, precision, ndcg, mrr, map, rbp.
absl::Status RegisterAccuracyMetrics(Registry<MetricFunction>* registry);

// Adds those of the catalogue and of popularity: coverage, gini, entropy, novelty, popularity,
// tail, debiased-hit.
absl::Status RegisterCatalogueMetrics(Registry<MetricFunction>* registry);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_BUILTIN_METRICS_H_

#ifndef OPENP5_EVALUATORS_EVALUATE_H_
#define OPENP5_EVALUATORS_EVALUATE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/metrics.h"
#include "evaluators/ranking_result.h"
#include "evaluators/sharding.h"
#include "platform/base/status.h"
#include "platform/recommenders/recommender.h"

namespace openp5::evaluators {

// The questions of `options`' split for its first `users` users, in file order.
std::vector<datasets::Position> EvaluationPositions(const datasets::SequenceDataset& dataset,
                                                    const EvaluationOptions& options);

// The same as queries, with past items excluded if options say that they are filtered. They refer
// to the dataset.
std::vector<recommenders::Query> EvaluationQueries(const datasets::SequenceDataset& dataset,
                                                   const EvaluationOptions& options);

// How `options` ask for lists of `task`, in a search that leaves past items out if they say so.
recommenders::RankOptions EvaluationRankOptions(const std::string& task,
                                                const EvaluationOptions& options);

// Asks `recommender` for the users of its dataset number `dataset` and counts how well its lists
// meet their targets: the one protocol of all models and baselines. Failures: those of
// EvaluationOptions::Check and Recommender::Start, and Cancelled after SIGINT or SIGTERM where they
// are caught. Every shard returns the whole result.
absl::StatusOr<RankingResult> Evaluate(const recommenders::Recommender& recommender, size_t dataset,
                                       const std::string& task, const std::vector<Metric>& metrics,
                                       const EvaluationOptions& options,
                                       const Sharding& sharding = {});

// Bytes that Evaluate takes beside what the recommender has (see RankingJob::Memory). Fails as
// Evaluate.
absl::StatusOr<int64_t> EvaluationMemory(const recommenders::Recommender& recommender,
                                         size_t dataset, const std::string& task, int64_t largest_k,
                                         const EvaluationOptions& options);

// What Evaluate would fail with whatever the recommender has learned.
absl::Status CheckEvaluation(const recommenders::Recommender& recommender, size_t dataset,
                             const std::string& task, const EvaluationOptions& options);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_EVALUATE_H_

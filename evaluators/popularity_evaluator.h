#ifndef OPENP5_EVALUATORS_POPULARITY_EVALUATOR_H_
#define OPENP5_EVALUATORS_POPULARITY_EVALUATOR_H_

#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"
#include "evaluators/ranking_result.h"

namespace openp5::evaluators {

// The baseline every model must beat: the same list for all, items by how often they occur in the
// users' training parts (equal counts in order of item number). Users, targets, metrics and, if
// filtered, removal of past items are those of the model's evaluation; scores are the counts.
RankingResult EvaluatePopularity(const datasets::SequenceDataset& dataset, const std::string& task,
                                 const std::vector<Metric>& metrics,
                                 const EvaluationOptions& options);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_POPULARITY_EVALUATOR_H_

#ifndef OPENP5_EVALUATORS_EVALUATION_USERS_H_
#define OPENP5_EVALUATORS_EVALUATION_USERS_H_

#include <cstdint>
#include <vector>

#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "evaluators/evaluation_options.h"

namespace openp5::evaluators {

// The questions of `options`' split for its first `users` users, in file order.
std::vector<datasets::Position> EvaluationPositions(const datasets::SequenceDataset& dataset,
                                                    const EvaluationOptions& options);

// Distinct items of the user before the target, ascending.
std::vector<int32_t> PastItems(const datasets::SequenceDataset& dataset,
                               const datasets::Position& position);

// How often the training parts hold each item [items].
std::vector<int64_t> TrainingCounts(const datasets::SequenceDataset& dataset);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_EVALUATION_USERS_H_

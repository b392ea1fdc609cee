#ifndef OPENP5_EVALUATORS_REPORT_H_
#define OPENP5_EVALUATORS_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/ranking_result.h"

namespace openp5::evaluators {

// {"results": [{"dataset", "task", "split", "prompt", "filtered", "users", "metrics": {…}, …}],
//  "users_per_second": …}, the rate being that of the model's results.
nlohmann::ordered_json ResultsToJson(const std::vector<RankingResult>& results);

// A table for people, a line a result, columns of the same metrics.
std::string ResultsTable(const std::vector<RankingResult>& results);

// One JSON object a user: {"dataset", "task", "user", "target", "items", "scores"}, raw ids, best
// first; null for what is no item.
std::string TopkLines(const RankingResult& result, const datasets::SequenceDataset& dataset);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_REPORT_H_

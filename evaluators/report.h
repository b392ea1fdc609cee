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

// The protocols of the results in short, a line each, and a line for every result with empty lists.
std::string ProtocolLines(const std::vector<RankingResult>& results);

// The strata of a result, a line each, under its name; empty if they were not asked for.
std::string StrataTable(const RankingResult& result);

// One JSON object a user: {"dataset", "task", "user", "target", "items", "scores"}, raw ids, best
// first; null for what is no item.
std::string TopkLines(const RankingResult& result, const datasets::SequenceDataset& dataset);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_REPORT_H_

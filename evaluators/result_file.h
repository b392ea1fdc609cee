#ifndef OPENP5_EVALUATORS_RESULT_FILE_H_
#define OPENP5_EVALUATORS_RESULT_FILE_H_

#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "evaluators/metrics.h"
#include "evaluators/protocol.h"
#include "evaluators/ranking_result.h"
#include "platform/base/status.h"

namespace openp5::evaluators {

// What one method reached, as a result file keeps it (FORMAT.md).
struct StoredResult {
  std::string file = {};
  Protocol protocol = {};
  std::string method = {}, label = {};  // label: what the method is called in comparisons
  std::vector<MetricValue> metrics = {};
  std::vector<std::string> users = {}, targets = {};  // raw ids, in the order of the values
};

// The lines of `result` in a result file.
std::string ResultLines(const RankingResult& result, const datasets::SequenceDataset& dataset);

// The results of a file that `evaluate --result-out` wrote; at least one. NotFound without the
// file. DataLoss naming file and line for anything that is not as FORMAT.md says, a file of a newer
// version or a cut one among it.
absl::StatusOr<std::vector<StoredResult>> ReadResults(const std::string& path);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_RESULT_FILE_H_

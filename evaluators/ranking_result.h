#ifndef OPENP5_EVALUATORS_RANKING_RESULT_H_
#define OPENP5_EVALUATORS_RANKING_RESULT_H_

#include <string>
#include <vector>

#include "evaluators/metrics.h"

namespace openp5::evaluators {

// What one method did on one dataset, task and prompt.
struct RankingResult {
  std::string dataset = {}, task = {}, split = {}, prompt = {};
  std::string prompt_digest = {};            // of the template; empty for methods that read none
  std::string method = "model";              // or a baseline's name
  std::string filter = "none";               // "none", "search", "afterwards"
  std::string score_normalization = "full";  // or "allowed"
  std::vector<UserRanking> rankings = {};    // in file order of the users
  std::vector<MetricValue> metrics = {};
  // OpenP5's filtered batch removes nothing before it counts (openp5-semantics 4): these are its
  // numbers. Only filled for filter "afterwards".
  std::vector<MetricValue> unfiltered_metrics = {};
  double seconds = 0;
};

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_RANKING_RESULT_H_

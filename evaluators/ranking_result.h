#ifndef OPENP5_EVALUATORS_RANKING_RESULT_H_
#define OPENP5_EVALUATORS_RANKING_RESULT_H_

#include <string>
#include <vector>

#include "evaluators/metrics.h"
#include "evaluators/protocol.h"
#include "evaluators/strata.h"
#include "platform/base/status.h"

namespace openp5::evaluators {

// What one method did on one dataset, task and prompt.
struct RankingResult {
  std::string dataset = {}, task = {}, split = {}, prompt = {};
  std::string prompt_digest = {};            // of the template; empty for methods that read none
  std::string method = "model";              // or a baseline's name
  std::string label = {};                    // the method's name among others; empty: `method`
  std::string filter = "none";               // "none", "search", "afterwards"
  std::string score_normalization = "full";  // or "allowed"
  Protocol protocol = {};                    // whole
  std::vector<UserRanking> rankings = {};    // in file order of the users
  std::vector<MetricValue> metrics = {};
  // OpenP5's filtered batch removes nothing before it counts (openp5-semantics 4): these are its
  // numbers. Only filled for filter "afterwards".
  std::vector<MetricValue> unfiltered_metrics = {};
  std::vector<Stratum> strata = {};  // empty where nobody asked for them
  double seconds = 0;
};

// What the method is called beside others.
inline const std::string& NameOf(const RankingResult& result) {
  return result.label.empty() ? result.method : result.label;
}

// The prompt's name and what tells its text from others of that name.
inline std::string PromptName(const RankingResult& result) {
  if (result.prompt_digest.empty()) return result.prompt;
  return StrCat(result.prompt, "@", result.prompt_digest);
}

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_RANKING_RESULT_H_

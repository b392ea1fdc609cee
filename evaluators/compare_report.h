#ifndef OPENP5_EVALUATORS_COMPARE_REPORT_H_
#define OPENP5_EVALUATORS_COMPARE_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "evaluators/compare.h"

namespace openp5::evaluators {

// {"protocol", "baseline", "test", "alpha", "resamples", "seed", "methods": [{"name", "method",
//  "label", "task", "prompt", "files", "metrics": {NAME: {"mean", "deviation", "best",
//  "difference":
//  {"mean", "interval", "p", "holm", "marked", "wins", "ties", "losses"}}}}], "left_out"}
nlohmann::ordered_json ComparisonToJson(const Comparison& comparison);

// Two tables, one of the methods' values and one of the differences from the baseline, with the
// protocol above and a note below them.
std::string ComparisonText(const Comparison& comparison);
// The same in Markdown, the best of each accuracy metric in bold.
std::string ComparisonMarkdown(const Comparison& comparison);
// The first table in LaTeX, the best in bold; needs no packages.
std::string ComparisonLatex(const Comparison& comparison);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_COMPARE_REPORT_H_

#ifndef OPENP5_EVALUATORS_COMPARE_H_
#define OPENP5_EVALUATORS_COMPARE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluators/bootstrap.h"
#include "evaluators/protocol.h"
#include "evaluators/result_file.h"
#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::evaluators {

struct CompareOptions {
  std::string baseline_result;         // a file, or a row's name; empty: the first result
  std::string test = "randomization";  // the test that marks differences
  double alpha = 0.05;                 // largest p that is marked; intervals cover 1 - alpha
  int64_t resamples = 10000;
  int64_t seed = 1;

  void ForEach(OptionVisitor& visitor);
};

// The p of each test.
struct TestResults {
  double randomization = 1, t = 1, wilcoxon = 1;
};

// One metric of a method beside the baseline's, user by user.
struct MetricDifference {
  double mean = 0;
  Interval interval;       // of the mean, by bootstrap
  TestResults p, holm;     // holm: corrected over all methods that are compared by this metric
  bool is_marked = false;  // the chosen test's corrected p is at most alpha
  int64_t wins = 0, ties = 0, losses = 0;  // users whose value is above, equal, below
};

// What one method reached by one metric.
struct MethodValue {
  double mean = 0;                                  // over the method's results
  double deviation = 0;                             // of the results; 0 where there is one
  bool is_best = false;                             // of all methods; more than one if equal
  std::vector<double> users = {};                   // [users] mean over results, or empty
  std::optional<MetricDifference> difference = {};  // none: the baseline, or no value a user
};

// One method, with as many results as there are files of it, such as one for each seed.
struct MethodRow {
  std::string name = {};
  std::string method = {}, label = {}, task = {}, prompt = {};
  std::vector<std::string> files = {};
  std::vector<MethodValue> values = {};  // by metric
};

struct Comparison {
  Protocol protocol = {};  // of the first result; task, prompt and history may differ
  std::vector<std::string> metrics = {};
  std::vector<std::string> left_out = {};  // metrics that not every result has
  std::vector<MethodRow> rows = {};        // in order of first appearance
  size_t baseline = 0;                     // place in rows
  CompareOptions options = {};
};

// Compares every method with the baseline. Results with equal method, label, task and prompt are
// one method's. FailedPrecondition that names both files and says what differs for results of
// different protocols (see ProtocolDifferences) or without a common metric; a usage error for fewer
// than two methods, and for a baseline that is none of them.
absl::StatusOr<Comparison> Compare(const std::vector<StoredResult>& results,
                                   const CompareOptions& options);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_COMPARE_H_

#include "evaluators/compare.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_join.h"
#include "evaluators/significance.h"

namespace openp5::evaluators {
namespace {

std::string NameOf(const StoredResult& result) {
  return StrCat(result.file, " (", result.label, ")");
}

const MetricValue* Find(const StoredResult& result, const std::string& metric) {
  const auto found = std::find_if(result.metrics.begin(), result.metrics.end(),
                                  [&](const MetricValue& value) { return value.name == metric; });
  return found == result.metrics.end() ? nullptr : &*found;
}

// The first user that the two do not ask alike; empty if there is none.
std::string FirstOtherUser(const StoredResult& expected, const StoredResult& got) {
  const size_t users = std::min(expected.users.size(), got.users.size());
  for (size_t i = 0; i < users; ++i) {
    if (expected.users[i] == got.users[i] && expected.targets[i] == got.targets[i]) continue;
    return StrCat("user ", i + 1, ": expected '", expected.users[i], "' with target '",
                  expected.targets[i], "', got '", got.users[i], "' with target '", got.targets[i],
                  "'");
  }
  return "";
}

absl::Status CheckSameProtocol(const StoredResult& expected, const StoredResult& got) {
  std::vector<std::string> differences = ProtocolDifferences(expected.protocol, got.protocol);
  const std::string user = FirstOtherUser(expected, got);
  if (!user.empty()) differences.push_back(user);
  if (differences.empty()) return absl::OkStatus();
  return FailedPrecondition("compare: ", NameOf(got), ": expected the protocol of ",
                            NameOf(expected),
                            ", got another one: ", absl::StrJoin(differences, "; "));
}

// Metrics of all results, in the first one's order; the others go to `left_out`.
std::vector<std::string> CommonMetrics(const std::vector<StoredResult>& results,
                                       std::vector<std::string>* left_out) {
  std::vector<std::string> common;
  for (const StoredResult& result : results) {
    for (const MetricValue& metric : result.metrics) {
      const auto is_metric = [&](const std::string& name) { return name == metric.name; };
      if (std::any_of(common.begin(), common.end(), is_metric)) continue;
      if (std::any_of(left_out->begin(), left_out->end(), is_metric)) continue;
      const bool all = std::all_of(results.begin(), results.end(), [&](const StoredResult& other) {
        return Find(other, metric.name) != nullptr;
      });
      (all ? common : *left_out).push_back(metric.name);
    }
  }
  return common;
}

// The values of one metric in all results of a method.
MethodValue Summarize(const std::vector<const StoredResult*>& results, const std::string& metric) {
  MethodValue value;
  const auto count = static_cast<double>(results.size());
  for (const StoredResult* result : results) value.mean += Find(*result, metric)->value / count;
  double squares = 0;
  for (const StoredResult* result : results) {
    const MetricValue& one = *Find(*result, metric);
    squares += (one.value - value.mean) * (one.value - value.mean);
    value.users.resize(one.users.size());
    for (size_t i = 0; i < one.users.size(); ++i) value.users[i] += one.users[i] / count;
  }
  if (results.size() > 1) value.deviation = std::sqrt(squares / (count - 1));
  return value;
}

// Methods whose label is not theirs alone are told apart by task, prompt and kind.
void NameRows(std::vector<MethodRow>* rows) {
  std::map<std::string, int> labels;
  for (const MethodRow& row : *rows) ++labels[row.label];
  for (MethodRow& row : *rows) {
    row.name = row.label;
    if (labels[row.label] == 1) continue;
    row.name +=
        StrCat(" (", row.method, ", ", row.task, row.prompt.empty() ? "" : ", ", row.prompt, ")");
  }
}

std::vector<MethodRow> MakeRows(const std::vector<StoredResult>& results,
                                const std::vector<std::string>& metrics) {
  std::vector<MethodRow> rows;
  std::vector<std::vector<const StoredResult*>> of_rows;
  for (const StoredResult& result : results) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const MethodRow& row) {
      return row.method == result.method && row.label == result.label &&
             row.task == result.protocol.task && row.prompt == result.protocol.prompt;
    });
    const auto place = static_cast<size_t>(found - rows.begin());
    if (found == rows.end()) {
      rows.push_back({.method = result.method,
                      .label = result.label,
                      .task = result.protocol.task,
                      .prompt = result.protocol.prompt});
      of_rows.emplace_back();
    }
    rows[place].files.push_back(result.file);
    of_rows[place].push_back(&result);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    for (const std::string& metric : metrics) {
      rows[i].values.push_back(Summarize(of_rows[i], metric));
    }
  }
  NameRows(&rows);
  return rows;
}

absl::StatusOr<size_t> FindBaseline(const std::vector<MethodRow>& rows, const std::string& wanted) {
  if (wanted.empty()) return 0;
  std::vector<std::string> known;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<std::string>& files = rows[i].files;
    if (rows[i].name == wanted || std::find(files.begin(), files.end(), wanted) != files.end()) {
      return i;
    }
    known.push_back(rows[i].name);
  }
  return UsageError(StrCat("--baseline-result: expected one of the files, or of ",
                           absl::StrJoin(known, ", "), "; got '", wanted, "'"));
}

void MarkBest(const std::string& metric, size_t place, std::vector<MethodRow>* rows) {
  const auto parsed = ParseMetrics({metric});
  if (!parsed.ok() || !parsed->front().function.more_is_better) return;
  double best = rows->front().values[place].mean;
  for (const MethodRow& row : *rows) best = std::max(best, row.values[place].mean);
  for (MethodRow& row : *rows) row.values[place].is_best = row.values[place].mean == best;
}

MetricDifference TestDifferences(const std::vector<double>& differences,
                                 const Resampling& resampling) {
  MetricDifference result;
  result.mean = std::accumulate(differences.begin(), differences.end(), 0.0) /
                static_cast<double>(differences.size());
  result.p = {.randomization = RandomizationTest(differences, resampling),
              .t = TTest(differences),
              .wilcoxon = WilcoxonTest(differences)};
  for (const double difference : differences) {
    ++(difference > 0 ? result.wins : difference < 0 ? result.losses : result.ties);
  }
  return result;
}

// Tests every method against the baseline by the metric in `place`, where it has a value a user.
void TestMetric(size_t place, const Resampling& resampling, Comparison* comparison) {
  const std::vector<double>& baseline = comparison->rows[comparison->baseline].values[place].users;
  if (baseline.empty()) return;
  std::vector<std::vector<double>> differences;
  std::vector<MetricDifference*> results;
  for (size_t row = 0; row < comparison->rows.size(); ++row) {
    MethodValue& value = comparison->rows[row].values[place];
    if (row == comparison->baseline || value.users.size() != baseline.size()) continue;
    std::vector<double>& difference = differences.emplace_back(value.users);
    for (size_t i = 0; i < difference.size(); ++i) difference[i] -= baseline[i];
    results.push_back(&value.difference.emplace(TestDifferences(difference, resampling)));
  }
  const std::vector<std::span<const double>> columns(differences.begin(), differences.end());
  const std::vector<Interval> intervals = BootstrapIntervals(columns, resampling);
  for (size_t i = 0; i < results.size(); ++i) results[i]->interval = intervals[i];
  for (const auto test : {&TestResults::randomization, &TestResults::t, &TestResults::wilcoxon}) {
    std::vector<double> p;
    for (const MetricDifference* result : results) p.push_back(result->p.*test);
    const std::vector<double> corrected = HolmCorrected(p);
    for (size_t i = 0; i < results.size(); ++i) results[i]->holm.*test = corrected[i];
  }
  const CompareOptions& options = comparison->options;
  const auto chosen = options.test == "t"          ? &TestResults::t
                      : options.test == "wilcoxon" ? &TestResults::wilcoxon
                                                   : &TestResults::randomization;
  for (MetricDifference* result : results) {
    result->is_marked = result->holm.*chosen <= options.alpha;
  }
}

}  // namespace

void CompareOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "baseline-result",
                 .help = "what the others are compared with: one of the files, or a method's name "
                         "in the table (default: the first file)"},
                &baseline_result);
  visitor.Visit({.name = "test",
                 .help = "test whose p, after Holm's correction, decides which differences are "
                         "marked",
                 .choices = {"randomization", "t", "wilcoxon"}},
                &test);
  visitor.Visit({.name = "alpha",
                 .help = "largest p that is marked; intervals cover 1 - alpha",
                 .minimum = 1e-6,
                 .maximum = 0.5},
                &alpha);
  visitor.Visit({.name = "resamples",
                 .help = "resamples of the bootstrap and of the randomisation test",
                 .minimum = 1,
                 .maximum = 10'000'000},
                &resamples);
  visitor.Visit({.name = "seed", .help = "seed of the resamples", .minimum = 0}, &seed);
}

absl::StatusOr<Comparison> Compare(const std::vector<StoredResult>& results,
                                   const CompareOptions& options) {
  for (const StoredResult& result : results) {
    OPENP5_RETURN_IF_ERROR(CheckSameProtocol(results.front(), result));
  }
  Comparison comparison{.protocol = results.front().protocol, .options = options};
  comparison.metrics = CommonMetrics(results, &comparison.left_out);
  if (comparison.metrics.empty()) {
    return FailedPrecondition("compare: expected a metric that all results have, got none; hint: ",
                              "evaluate them with the same --metrics");
  }
  comparison.rows = MakeRows(results, comparison.metrics);
  if (comparison.rows.size() < 2) {
    return UsageError(StrCat("compare: expected results of at least two methods, got only ",
                             comparison.rows.front().name,
                             "; hint: `openp5 evaluate --label NAME` tells methods apart"));
  }
  OPENP5_ASSIGN_OR_RETURN(comparison.baseline,
                          FindBaseline(comparison.rows, options.baseline_result));
  const Resampling resampling{.resamples = options.resamples,
                              .seed = static_cast<uint64_t>(options.seed),
                              .confidence = 1 - options.alpha};
  for (size_t place = 0; place < comparison.metrics.size(); ++place) {
    MarkBest(comparison.metrics[place], place, &comparison.rows);
    TestMetric(place, resampling, &comparison);
  }
  return comparison;
}

}  // namespace openp5::evaluators

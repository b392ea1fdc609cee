#include "evaluators/metrics.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "absl/strings/str_join.h"
#include "evaluators/builtin_metrics.h"
#include "platform/base/numbers.h"

namespace openp5::evaluators {
namespace {

absl::StatusOr<Metric> ParseMetric(const Registry<MetricFunction>& registry,
                                   const std::string& name) {
  const size_t at = name.find('@');
  Metric metric{.name = name};
  if (at != std::string::npos) {
    metric.k = ParseNumber<int64_t>(std::string_view(name).substr(at + 1)).value_or(0);
  }
  const auto function = registry.Find(name.substr(0, at));
  if (metric.k <= 0 || !function.ok()) {
    return UsageError(StrCat("--metrics: expected NAME@K with NAME one of ",
                             absl::StrJoin(registry.Names(), ", "), " and K at least 1, got '",
                             name, "'"));
  }
  metric.function = **function;
  return metric;
}

}  // namespace

absl::Status RegisterBuiltinMetrics(Registry<MetricFunction>* registry) {
  OPENP5_RETURN_IF_ERROR(RegisterAccuracyMetrics(registry));
  return RegisterCatalogueMetrics(registry);
}

absl::StatusOr<std::vector<Metric>> ParseMetrics(const Registry<MetricFunction>& registry,
                                                 const std::vector<std::string>& names) {
  if (names.empty()) return UsageError("--metrics: expected at least one name, e.g. hit@10");
  std::vector<Metric> metrics;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) {
      return UsageError(StrCat("--metrics: '", name, "' is given twice"));
    }
    OPENP5_ASSIGN_OR_RETURN(Metric metric, ParseMetric(registry, name));
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

absl::StatusOr<std::vector<Metric>> ParseMetrics(const std::vector<std::string>& names) {
  Registry<MetricFunction> registry("metric");
  OPENP5_RETURN_IF_ERROR(RegisterBuiltinMetrics(&registry));
  return ParseMetrics(registry, names);
}

std::vector<MetricValue> Measure(const std::vector<Metric>& metrics, const RankedLists& lists) {
  std::vector<MetricValue> measured;
  for (const Metric& metric : metrics) {
    MetricValue& value = measured.emplace_back();
    value.name = metric.name;
    if (metric.function.of_lists != nullptr) {
      value.value = metric.function.of_lists(lists, metric.k);
      continue;
    }
    value.users.resize(lists.rankings.size());
    metric.function.of_users(lists, metric.k, value.users);
    const double sum = std::accumulate(value.users.begin(), value.users.end(), 0.0);
    if (!value.users.empty()) value.value = sum / static_cast<double>(value.users.size());
  }
  return measured;
}

int64_t LargestK(std::span<const Metric> metrics) {
  int64_t largest = 0;
  for (const Metric& metric : metrics) largest = std::max(largest, metric.k);
  return largest;
}

}  // namespace openp5::evaluators

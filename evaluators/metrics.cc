#include "evaluators/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace openp5::evaluators {
namespace {

Relevance FirstK(Relevance relevance, int64_t k) {
  return relevance.first(std::min(relevance.size(), static_cast<size_t>(k)));
}

double Hit(Relevance relevance, int64_t k) {
  const Relevance first = FirstK(relevance, k);
  return std::find(first.begin(), first.end(), 1) == first.end() ? 0.0 : 1.0;
}

double Ndcg(Relevance relevance, int64_t k) {
  const Relevance first = FirstK(relevance, k);
  double sum = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i] != 0) sum += 1.0 / std::log2(static_cast<double>(i) + 2.0);
  }
  return sum;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

absl::StatusOr<Metric> ParseMetric(const Registry<MetricFunction>& registry,
                                   const std::string& name) {
  const size_t at = name.find('@');
  Metric metric{.name = name};
  if (at != std::string::npos) {
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + at + 1, end, metric.k);
    if (error != std::errc() || stop != end) metric.k = 0;
  }
  const auto function = registry.Find(name.substr(0, at));
  if (metric.k <= 0 || !function.ok()) {
    return UsageError(StrCat("--metrics: expected NAME@K with NAME one of ",
                             Joined(registry.Names()), " and K at least 1, got '", name, "'"));
  }
  metric.function = **function;
  return metric;
}

}  // namespace

absl::Status RegisterBuiltinMetrics(Registry<MetricFunction>* registry) {
  OPENP5_RETURN_IF_ERROR(registry->Register("hit", Hit));
  return registry->Register("ndcg", Ndcg);
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

void MetricAverages::Add(Relevance relevance) {
  for (size_t i = 0; i < metrics_.size(); ++i) {
    sums_[i] += metrics_[i].function(relevance, metrics_[i].k);
  }
  ++users_;
}

std::vector<double> MetricAverages::Means() const {
  std::vector<double> means = sums_;
  for (double& mean : means) mean = users_ == 0 ? 0.0 : mean / static_cast<double>(users_);
  return means;
}

int64_t LargestK(std::span<const Metric> metrics) {
  int64_t largest = 0;
  for (const Metric& metric : metrics) largest = std::max(largest, metric.k);
  return largest;
}

}  // namespace openp5::evaluators

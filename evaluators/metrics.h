#ifndef OPENP5_EVALUATORS_METRICS_H_
#define OPENP5_EVALUATORS_METRICS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/registry/registry.h"

namespace openp5::evaluators {

// One user's ranked list as 1 where the entry is the target and 0 elsewhere, best first. May be
// shorter than k and may hold several ones.
using Relevance = std::span<const uint8_t>;

// The value of a metric for one user; only the first k entries count. k > 0.
using MetricFunction = double (*)(Relevance relevance, int64_t k);

// "hit": 1 if the target is among the first k. "ndcg": the sum of 1 / log2(rank + 1) over every one
// among the first k, divided by that of a perfect list, which for a single target is 1 (OpenP5: so
// repeats of the target count again, see openp5 --openp5-compat).
absl::Status RegisterBuiltinMetrics(Registry<MetricFunction>* registry);

// A metric as asked for: "hit@5" is function "hit" with k 5.
struct Metric {
  std::string name;
  MetricFunction function = nullptr;
  int64_t k = 0;
};

// A usage error for a name that is not `<metric>@<k>` with k > 0, that is unknown (the known ones
// are listed) or given twice, and for an empty list.
absl::StatusOr<std::vector<Metric>> ParseMetrics(const Registry<MetricFunction>& registry,
                                                 const std::vector<std::string>& names);

// Averages metrics over users. Not thread-safe.
class MetricAverages {
 public:
  explicit MetricAverages(std::vector<Metric> metrics)
      : metrics_(std::move(metrics)), sums_(metrics_.size(), 0.0) {}

  void Add(Relevance relevance);
  // In the order of the metrics. All 0 before the first user.
  std::vector<double> Means() const;
  const std::vector<double>& sums() const { return sums_; }
  const std::vector<Metric>& metrics() const { return metrics_; }
  int64_t users() const { return users_; }

 private:
  std::vector<Metric> metrics_;
  std::vector<double> sums_;
  int64_t users_ = 0;
};

// The largest k of `metrics`.
int64_t LargestK(std::span<const Metric> metrics);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_METRICS_H_

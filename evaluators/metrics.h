#ifndef OPENP5_EVALUATORS_METRICS_H_
#define OPENP5_EVALUATORS_METRICS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "platform/base/status.h"
#include "platform/registry/registry.h"

namespace openp5::evaluators {

// One user's ranked list, best first, as item numbers of the dataset. -1 stands for a generation
// that max_length cut before it was an item.
struct UserRanking {
  int32_t user = 0;
  int32_t target = 0;
  std::vector<int32_t> items = {};
  std::vector<float> scores = {};  // of the same length
};

// What a metric looks at. A list may be shorter than k, and with openp5_compat it may hold an item
// several times.
struct RankedLists {
  const datasets::SequenceDataset& dataset;
  std::span<const UserRanking> rankings;
};

// How a metric is computed; exactly one of the two functions. Only the first k > 0 entries of a
// list count.
struct MetricFunction {
  // Writes the value of every user, [rankings]. The metric is their mean.
  void (*of_users)(const RankedLists& lists, int64_t k, std::span<double> values) = nullptr;
  // One value of all lists together, of which users have no share.
  double (*of_lists)(const RankedLists& lists, int64_t k) = nullptr;
  // True for metrics of accuracy, of which more is better.
  bool more_is_better = false;
};

// Those of every user's list, whose mean is reported:
//   hit, recall   1 if the target is among the first k
//   precision     hit / k
//   ndcg          the sum of 1 / log2(rank + 1) over every occurrence of the target among the first
//                 k (a perfect list has 1; OpenP5: so repeats count again, see --openp5-compat)
//   mrr, map      1 / rank of the target, 0 beyond k
//   rbp           .2 x .8^(rank - 1), rank-biased precision (Moffat and Zobel, 2008)
//   novelty       mean of -log2 of an item's share of the training interactions, in bits
//   popularity    mean of the items' numbers of training interactions
//   tail          share of items outside of those most frequent ones that have 80 % of them
// and of all lists together:
//   coverage      share of the catalogue that is in any list
//   gini          Gini coefficient of how often items are shown, those never shown included
//   entropy       entropy of the same, in bits
//   debiased-hit  hit with users weighted by one over their target's training interactions + 1
absl::Status RegisterBuiltinMetrics(Registry<MetricFunction>* registry);

// A metric as asked for: "hit@5" is function "hit" with k 5.
struct Metric {
  std::string name;
  MetricFunction function = {};
  int64_t k = 0;
};

// The metrics of `names`. A usage error for a name that is not `<metric>@<k>` with k > 0, that is
// unknown (the known ones are listed) or given twice, and for an empty list.
absl::StatusOr<std::vector<Metric>> ParseMetrics(const Registry<MetricFunction>& registry,
                                                 const std::vector<std::string>& names);
// The same with the built-in ones.
absl::StatusOr<std::vector<Metric>> ParseMetrics(const std::vector<std::string>& names);

struct MetricValue {
  std::string name;
  double value = 0;                // 0 where there are no users
  std::vector<double> users = {};  // [rankings]; empty for a metric of all lists together
};

// The values of `metrics`, in their order.
std::vector<MetricValue> Measure(const std::vector<Metric>& metrics, const RankedLists& lists);

// The largest k of `metrics`.
int64_t LargestK(std::span<const Metric> metrics);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_METRICS_H_

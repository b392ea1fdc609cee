#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "datasets/item_sets.h"
#include "evaluators/builtin_metrics.h"

namespace openp5::evaluators {
namespace {

// How often each item is among the first k of a list, [items].
std::vector<int64_t> Exposures(const RankedLists& lists, int64_t k) {
  std::vector<int64_t> shown(static_cast<size_t>(lists.dataset.item_count()), 0);
  for (const UserRanking& ranking : lists.rankings) {
    for (const int32_t item : FirstK(ranking, k)) {
      if (item >= 0) ++shown[static_cast<size_t>(item)];
    }
  }
  return shown;
}

double Coverage(const RankedLists& lists, int64_t k) {
  const std::vector<int64_t> shown = Exposures(lists, k);
  const auto ever = std::count_if(shown.begin(), shown.end(), [](int64_t n) { return n > 0; });
  return shown.empty() ? 0 : static_cast<double>(ever) / static_cast<double>(shown.size());
}

// 0 if every item is shown as often, near 1 if one item is all that is shown.
double Gini(const RankedLists& lists, int64_t k) {
  std::vector<int64_t> shown = Exposures(lists, k);
  std::sort(shown.begin(), shown.end());
  const auto n = static_cast<double>(shown.size());
  double total = 0, weighted = 0;
  for (size_t i = 0; i < shown.size(); ++i) {
    total += static_cast<double>(shown[i]);
    weighted += (2.0 * static_cast<double>(i + 1) - n - 1) * static_cast<double>(shown[i]);
  }
  return total == 0 ? 0 : weighted / (n * total);
}

double Entropy(const RankedLists& lists, int64_t k) {
  const std::vector<int64_t> shown = Exposures(lists, k);
  const auto total = static_cast<double>(std::accumulate(shown.begin(), shown.end(), int64_t{0}));
  double bits = 0;
  for (const int64_t n : shown) {
    const double share = static_cast<double>(n) / total;
    if (n > 0) bits -= share * std::log2(share);
  }
  return bits;
}

// Writes the mean of `value` (item) over the items of each list; 0 for an empty one.
template <class Value>
void MeanOfItems(const RankedLists& lists, int64_t k, std::span<double> values,
                 const Value& value) {
  for (size_t i = 0; i < values.size(); ++i) {
    double sum = 0, count = 0;
    for (const int32_t item : FirstK(lists.rankings[i], k)) {
      if (item < 0) continue;
      sum += value(static_cast<size_t>(item));
      ++count;
    }
    values[i] = count == 0 ? 0 : sum / count;
  }
}

// The surprise of an item in bits: minus the logarithm of its share of the training interactions,
// one more of each item being counted so that an item without any has a share, too.
void Novelty(const RankedLists& lists, int64_t k, std::span<double> values) {
  const std::vector<int64_t> counts = datasets::TrainingCounts(lists.dataset);
  const auto total = static_cast<double>(
      std::accumulate(counts.begin(), counts.end(), static_cast<int64_t>(counts.size())));
  MeanOfItems(lists, k, values, [&](size_t item) {
    return -std::log2((static_cast<double>(counts[item]) + 1) / total);
  });
}

void Popularity(const RankedLists& lists, int64_t k, std::span<double> values) {
  const std::vector<int64_t> counts = datasets::TrainingCounts(lists.dataset);
  MeanOfItems(lists, k, values, [&](size_t item) { return static_cast<double>(counts[item]); });
}

// The share of items outside of the head, which are the most frequent items that together have 80 %
// of the training interactions.
void Tail(const RankedLists& lists, int64_t k, std::span<double> values) {
  constexpr double kHead = 0.8;
  const std::vector<int64_t> counts = datasets::TrainingCounts(lists.dataset);
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  std::vector<bool> is_head(counts.size(), false);
  double sum = 0;
  for (const size_t item : order) {
    if (sum >= kHead * total) break;
    is_head[item] = true;
    sum += static_cast<double>(counts[item]);
  }
  MeanOfItems(lists, k, values, [&](size_t item) { return is_head[item] ? 0.0 : 1.0; });
}

// The hit rate with every user weighted by one over his target's training interactions (plus one),
// the weights adding up to one: what a system is worth on items that popularity does not find.
double DebiasedHit(const RankedLists& lists, int64_t k) {
  const std::vector<int64_t> counts = datasets::TrainingCounts(lists.dataset);
  double hits = 0, weights = 0;
  for (const UserRanking& ranking : lists.rankings) {
    const double weight =
        1 / (static_cast<double>(counts[static_cast<size_t>(ranking.target)]) + 1);
    const auto first = FirstK(ranking, k);
    weights += weight;
    if (std::find(first.begin(), first.end(), ranking.target) != first.end()) hits += weight;
  }
  return weights == 0 ? 0 : hits / weights;
}

}  // namespace

absl::Status RegisterCatalogueMetrics(Registry<MetricFunction>* registry) {
  OPENP5_RETURN_IF_ERROR(registry->Register("coverage", {.of_lists = Coverage}));
  OPENP5_RETURN_IF_ERROR(registry->Register("gini", {.of_lists = Gini}));
  OPENP5_RETURN_IF_ERROR(registry->Register("entropy", {.of_lists = Entropy}));
  OPENP5_RETURN_IF_ERROR(registry->Register("novelty", {.of_users = Novelty}));
  OPENP5_RETURN_IF_ERROR(registry->Register("popularity", {.of_users = Popularity}));
  OPENP5_RETURN_IF_ERROR(registry->Register("tail", {.of_users = Tail}));
  return registry->Register("debiased-hit", {.of_lists = DebiasedHit, .more_is_better = true});
}

}  // namespace openp5::evaluators

#include <algorithm>
#include <cmath>

#include "evaluators/builtin_metrics.h"

namespace openp5::evaluators {
namespace {

// Calls `value` (first k entries, target) for every user.
template <class Value>
void ForEachUser(const RankedLists& lists, int64_t k, std::span<double> values,
                 const Value& value) {
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = value(FirstK(lists.rankings[i], k), lists.rankings[i].target);
  }
}

bool Holds(std::span<const int32_t> items, int32_t target) {
  return std::find(items.begin(), items.end(), target) != items.end();
}

// The rank of the target's first occurrence, from 1 on; 0 if it is not there.
size_t RankOf(std::span<const int32_t> items, int32_t target) {
  const auto found = std::find(items.begin(), items.end(), target);
  return found == items.end() ? 0 : static_cast<size_t>(found - items.begin()) + 1;
}

void Hit(const RankedLists& lists, int64_t k, std::span<double> values) {
  ForEachUser(lists, k, values, [](auto items, int32_t target) { return Holds(items, target); });
}

void Precision(const RankedLists& lists, int64_t k, std::span<double> values) {
  ForEachUser(lists, k, values, [k](auto items, int32_t target) {
    return Holds(items, target) ? 1.0 / static_cast<double>(k) : 0.0;
  });
}

// Every occurrence counts, as in OpenP5.
void Ndcg(const RankedLists& lists, int64_t k, std::span<double> values) {
  ForEachUser(lists, k, values, [](auto items, int32_t target) {
    double gain = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i] == target) gain += 1.0 / std::log2(static_cast<double>(i) + 2.0);
    }
    return gain;
  });
}

void ReciprocalRank(const RankedLists& lists, int64_t k, std::span<double> values) {
  ForEachUser(lists, k, values, [](auto items, int32_t target) {
    const size_t rank = RankOf(items, target);
    return rank == 0 ? 0.0 : 1.0 / static_cast<double>(rank);
  });
}

void RankBiasedPrecision(const RankedLists& lists, int64_t k, std::span<double> values) {
  constexpr double kPersistence = 0.8;  // the chance that a reader goes on to the next item
  ForEachUser(lists, k, values, [](auto items, int32_t target) {
    const size_t rank = RankOf(items, target);
    return rank == 0 ? 0.0
                     : (1 - kPersistence) * std::pow(kPersistence, static_cast<double>(rank - 1));
  });
}

}  // namespace

std::span<const int32_t> FirstK(const UserRanking& ranking, int64_t k) {
  const std::span<const int32_t> items = ranking.items;
  return items.first(std::min(items.size(), static_cast<size_t>(k)));
}

absl::Status RegisterAccuracyMetrics(Registry<MetricFunction>* registry) {
  struct Named {
    const char* name;
    void (*of_users)(const RankedLists&, int64_t, std::span<double>);
  };
  // With a single target a user, recall is hit, and average precision is the reciprocal rank.
  for (const auto& [name, of_users] :
       {Named{"hit", Hit}, Named{"recall", Hit}, Named{"precision", Precision}, Named{"ndcg", Ndcg},
        Named{"mrr", ReciprocalRank}, Named{"map", ReciprocalRank},
        Named{"rbp", RankBiasedPrecision}}) {
    OPENP5_RETURN_IF_ERROR(
        registry->Register(name, {.of_users = of_users, .more_is_better = true}));
  }
  return absl::OkStatus();
}

}  // namespace openp5::evaluators

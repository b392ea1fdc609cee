#include <algorithm>
#include <numeric>

#include "indexing/indexers.h"

namespace openp5::indexing {
namespace {

// Users of equal length stay in file order, in both directions.
absl::StatusOr<std::vector<int32_t>> UserOrder(const datasets::SequenceDataset& dataset,
                                               const std::string& order) {
  std::vector<int32_t> users(dataset.user_count());
  std::iota(users.begin(), users.end(), 0);
  const auto length = [&](int32_t user) { return dataset.Sequence(user).size(); };
  if (order == "short2long") {
    std::stable_sort(users.begin(), users.end(),
                     [&](int32_t a, int32_t b) { return length(a) < length(b); });
  } else if (order == "long2short") {
    std::stable_sort(users.begin(), users.end(),
                     [&](int32_t a, int32_t b) { return length(a) > length(b); });
  } else if (order != "original") {
    return UsageError(StrCat(
        "sequential-order: expected one of original, short2long, long2short; got '", order, "'"));
  }
  return users;
}

}  // namespace

// Items in order of appearance: first over every user's training part, then over the last two items
// of every user. Items that are bought together so get numbers that share their first digits (Hua
// et al., How to Index Item IDs for Recommendation Foundation Models, 2023).
absl::StatusOr<std::vector<Assignment>> SequentialIdentifiers(
    const datasets::SequenceDataset& dataset, const IndexParameters& parameters) {
  OPENP5_ASSIGN_OR_RETURN(const std::vector<int32_t> users,
                          UserOrder(dataset, parameters.sequential_order));
  std::vector<bool> numbered(dataset.item_count(), false);
  std::vector<int32_t> order;
  const auto append = [&](std::span<const int32_t> items) {
    for (const int32_t item : items) {
      if (!numbered[item]) order.push_back(item);
      numbered[item] = true;
    }
  };
  for (const int32_t user : users) append(dataset.TrainPart(user));
  for (const int32_t user : users) append(dataset.Sequence(user).last(2));
  return NumberItems(order);
}

}  // namespace openp5::indexing

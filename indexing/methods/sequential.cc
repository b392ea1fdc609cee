#include "indexing/methods/sequential.h"

#include <algorithm>
#include <numeric>

#include "indexing/index_methods.h"

namespace openp5::indexing {
namespace {

// Users of equal length stay in file order, in both directions.
std::vector<int32_t> Users(const datasets::SequenceDataset& dataset, UserOrder order) {
  std::vector<int32_t> users(dataset.user_count());
  std::iota(users.begin(), users.end(), 0);
  const auto length = [&](int32_t user) { return dataset.Sequence(user).size(); };
  if (order == UserOrder::kOriginal) return users;
  std::stable_sort(users.begin(), users.end(), [&](int32_t a, int32_t b) {
    return order == UserOrder::kShortToLong ? length(a) < length(b) : length(a) > length(b);
  });
  return users;
}

// Items in order of appearance: first over every user's training part, then over the last two items
// of every user. Items that are bought together so get numbers that share their first digits (Hua
// et al., How to Index Item IDs for Recommendation Foundation Models, 2023).
absl::StatusOr<Assignments> Build(const datasets::SequenceDataset& dataset,
                                  const OptionGroup& options, int64_t) {
  const std::vector<int32_t> users = Users(dataset, OptionsOf<SequentialOptions>(options).order);
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

}  // namespace

void SequentialOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit(
      {.name = "sequential-order",
       .help = "sequential: users in file order, or sorted by the length of their history"},
      &order);
}

IndexMethod SequentialMethod() {
  return {.make_options = MakeOptionGroup<SequentialOptions>,
          .key = [](const OptionGroup& options) -> std::vector<std::string> {
            return {EnumName(OptionsOf<SequentialOptions>(options).order)};
          },
          .is_seeded = [](const OptionGroup&) { return false; },
          .build = Build,
          .is_identifier = IsNumber,
          .example = "1001"};
}

}  // namespace openp5::indexing

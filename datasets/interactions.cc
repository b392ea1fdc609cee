#include "datasets/interactions.h"

#include <algorithm>
#include <span>

namespace openp5::datasets {
namespace {

std::vector<int64_t> RowsByNumber(std::span<const int32_t> column, int32_t size) {
  std::vector<int64_t> rows(static_cast<size_t>(size));
  for (const int32_t number : column) ++rows[static_cast<size_t>(number)];
  return rows;
}

}  // namespace

InteractionCounts CountInteractions(const Interactions& interactions) {
  const auto present = [](const std::vector<int64_t>& rows) {
    return std::count_if(rows.begin(), rows.end(), [](int64_t count) { return count > 0; });
  };
  return {.users = present(RowsByNumber(interactions.user, interactions.users.size())),
          .items = present(RowsByNumber(interactions.item, interactions.items.size())),
          .interactions = static_cast<int64_t>(interactions.size())};
}

std::vector<InteractionCounts> FilterKCore(int64_t user_core, int64_t item_core,
                                           Interactions* interactions) {
  std::vector<InteractionCounts> rounds;
  while (true) {
    const auto by_user = RowsByNumber(interactions->user, interactions->users.size());
    const auto by_item = RowsByNumber(interactions->item, interactions->items.size());
    size_t kept = 0;
    for (size_t row = 0; row < interactions->size(); ++row) {
      const int32_t user = interactions->user[row], item = interactions->item[row];
      if (by_user[static_cast<size_t>(user)] < user_core ||
          by_item[static_cast<size_t>(item)] < item_core) {
        continue;
      }
      interactions->user[kept] = user;
      interactions->item[kept] = item;
      interactions->time[kept] = interactions->time[row];
      ++kept;
    }
    if (kept == interactions->size()) return rounds;
    interactions->user.resize(kept);
    interactions->item.resize(kept);
    interactions->time.resize(kept);
    rounds.push_back(CountInteractions(*interactions));
  }
}

}  // namespace openp5::datasets

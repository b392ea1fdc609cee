#ifndef OPENP5_DATASETS_INTERACTIONS_H_
#define OPENP5_DATASETS_INTERACTIONS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "datasets/column.h"
#include "datasets/id_table.h"

namespace openp5::datasets {

// Events of users with items, in the order of the file they were read from. Memory: 16 bytes a row
// besides the ids.
struct Interactions {
  IdTable users, items;
  Column<int32_t> user, item;  // [rows] numbers in the tables
  Column<int64_t> time;        // [rows] in one unit, which one does not matter

  size_t size() const { return user.size(); }
  void Add(std::string_view user_id, std::string_view item_id, int64_t when) {
    Add(users.Add(user_id), items.Add(item_id), when);
  }
  void Add(int32_t user_number, int32_t item_number, int64_t when) {
    user.push_back(user_number);
    item.push_back(item_number);
    time.push_back(when);
  }
  // Gives the rows' memory back; the ids stay.
  void DropRows() {
    user.resize(0);
    item.resize(0);
    time.resize(0);
  }
};

// What is left of the interactions.
struct InteractionCounts {
  int64_t users = 0, items = 0, interactions = 0;

  bool operator==(const InteractionCounts&) const = default;
};

InteractionCounts CountInteractions(const Interactions& interactions);

// Keeps users with at least `user_core` rows and items with at least `item_core`: drops every row
// whose user or item has fewer, both judged on the same counts, and repeats until nothing falls.
// Rows are counted, so an item that one user took five times has five. Kept rows stay in order; the
// id tables keep their numbers. Returns what was left after each round that dropped rows.
std::vector<InteractionCounts> FilterKCore(int64_t user_core, int64_t item_core,
                                           Interactions* interactions);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_INTERACTIONS_H_

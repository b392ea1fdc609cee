#ifndef OPENP5_DATASETS_ID_TABLE_H_
#define OPENP5_DATASETS_ID_TABLE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "datasets/column.h"

namespace openp5::datasets {

// Numbers raw ids from 0 in order of first appearance. Ids are bytes: "7" and "07" differ.
// Memory: every id once, and 24 to 36 bytes with it; together at most 16 GiB. Movable; a moved-from
// table is empty. Not thread-safe while ids are added.
class IdTable {
 public:
  // The id's number; a new one if it is new.
  int32_t Add(std::string_view id);
  std::optional<int32_t> Find(std::string_view id) const;

  // Valid until the next Add, wherever the table is moved.
  std::string_view Id(int32_t number) const {
    return RecordAt(records_[static_cast<size_t>(number)]).id;
  }
  int32_t size() const { return static_cast<int32_t>(records_.size()); }

 private:
  // An open hash table with linear probing. A number looked up in a table of a hundred megabytes
  // costs as much as the cache lines it touches: here one of the slots and one of the records.
  struct Slot {
    uint32_t record = kFree;  // place in words_
    uint32_t hash = 0;
  };
  struct Record {
    int32_t number;
    std::string_view id;
  };
  static constexpr uint32_t kFree = UINT32_MAX;

  Record RecordAt(uint32_t place) const;
  // The slot that holds `id`, or the free one that it belongs into.
  size_t FindSlot(std::string_view id, uint32_t hash) const;
  void AddSlots();
  uint32_t AddRecord(std::string_view id);

  std::vector<Slot> slots_;   // a power of two, at most three quarters of them in use; or none
  Column<uint32_t> words_;    // records: number, size and bytes of an id
  Column<uint32_t> records_;  // [ids] places in words_
};

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_ID_TABLE_H_

#include "datasets/id_table.h"

#include <cstring>
#include <utility>

#include "absl/hash/hash.h"
#include "platform/base/status.h"

namespace openp5::datasets {
namespace {

constexpr size_t kHeader = 2, kWord = sizeof(uint32_t);
constexpr size_t kFewestSlots = 16;

uint32_t HashOf(std::string_view id) {
  return static_cast<uint32_t>(absl::Hash<absl::string_view>()(ToAbsl(id)));
}

}  // namespace

IdTable::Record IdTable::RecordAt(uint32_t place) const {
  const uint32_t* const words = words_.data() + place;
  return {static_cast<int32_t>(words[0]),
          {reinterpret_cast<const char*>(words + kHeader), words[1]}};
}

size_t IdTable::FindSlot(std::string_view id, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t place = hash & mask;; place = (place + 1) & mask) {
    const Slot& slot = slots_[place];
    if (slot.record == kFree) return place;
    if (slot.hash == hash && RecordAt(slot.record).id == id) return place;
  }
}

void IdTable::AddSlots() {
  const std::vector<Slot> old =
      std::exchange(slots_, std::vector<Slot>(slots_.empty() ? kFewestSlots : 2 * slots_.size()));
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.record == kFree) continue;
    size_t place = slot.hash & mask;
    while (slots_[place].record != kFree) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

uint32_t IdTable::AddRecord(std::string_view id) {
  const size_t place = words_.size();
  OPENP5_CHECK(place < kFree && id.size() <= UINT32_MAX && records_.size() <= INT32_MAX);
  uint32_t* const words = words_.extend(kHeader + (id.size() + kWord - 1) / kWord);
  words[0] = static_cast<uint32_t>(records_.size());
  words[1] = static_cast<uint32_t>(id.size());
  if (!id.empty()) std::memcpy(words + kHeader, id.data(), id.size());
  records_.push_back(static_cast<uint32_t>(place));
  return static_cast<uint32_t>(place);
}

int32_t IdTable::Add(std::string_view id) {
  if (4 * (records_.size() + 1) > 3 * slots_.size()) AddSlots();
  const uint32_t hash = HashOf(id);
  Slot& slot = slots_[FindSlot(id, hash)];
  if (slot.record == kFree) slot = {.record = AddRecord(id), .hash = hash};
  return RecordAt(slot.record).number;
}

std::optional<int32_t> IdTable::Find(std::string_view id) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[FindSlot(id, HashOf(id))];
  if (slot.record == kFree) return std::nullopt;
  return RecordAt(slot.record).number;
}

}  // namespace openp5::datasets

#ifndef OPENP5_DATASETS_ID_TABLE_H_
#define OPENP5_DATASETS_ID_TABLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// Numbers raw ids from 0 in order of first appearance. Ids are bytes: "7" and "07" differ.
// Not thread-safe while ids are added.
class IdTable {
 public:
  // The id's number; a new one if it is new.
  int32_t Add(std::string_view id) {
    const auto [place, added] = numbers_.try_emplace(ToAbsl(id), size());
    if (added) ids_.emplace_back(id);
    return place->second;
  }

  std::optional<int32_t> Find(std::string_view id) const {
    const auto found = numbers_.find(ToAbsl(id));
    if (found == numbers_.end()) return std::nullopt;
    return found->second;
  }

  const std::string& Id(int32_t number) const { return ids_[static_cast<size_t>(number)]; }
  int32_t size() const { return static_cast<int32_t>(ids_.size()); }

 private:
  absl::flat_hash_map<std::string, int32_t> numbers_;
  std::vector<std::string> ids_;
};

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_ID_TABLE_H_

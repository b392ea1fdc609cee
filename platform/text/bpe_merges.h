#ifndef OPENP5_PLATFORM_TEXT_BPE_MERGES_H_
#define OPENP5_PLATFORM_TEXT_BPE_MERGES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/piece_model.h"

namespace openp5::text {

// The merges of a byte-pair encoding (Sennrich et al., 2016). Immutable, thread-safe.
class BpeMerges {
 public:
  // `ids`: of the pieces. DataLoss if a merge has parts or a result that are no pieces.
  static absl::StatusOr<BpeMerges> Create(
      const std::unordered_map<std::string_view, int32_t>& ids,
      const std::vector<std::pair<std::string, std::string>>& merges);

  // Appends the ids that `symbols` become: the pair of the earliest merge is joined first, of equal
  // ones the leftmost. Time n log n in their number.
  void Apply(std::span<const int32_t> symbols, std::vector<int32_t>* ids) const;

 private:
  struct Merge {
    int32_t rank = 0, id = 0;
  };
  static uint64_t Key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  }
  std::unordered_map<uint64_t, Merge> merges_;
};

// The ids of `pieces`, without the empty ones. Of equal pieces the last id counts.
std::unordered_map<std::string_view, int32_t> PieceIds(const std::vector<std::string>& pieces);

// The symbols of a word before anything is merged, with the rule for unknown ones. Both kinds of
// byte-pair encoding gather theirs here.
class SymbolGatherer {
 public:
  explicit SymbolGatherer(UnknownRule unknown) : unknown_(unknown) {}
  void AddKnown(int32_t id) {
    Flush();
    symbols_.push_back(id);
  }
  void AddUnknown() {
    if (unknown_.id < 0) return;
    if (pending_ && !unknown_.fuse) symbols_.push_back(unknown_.id);
    pending_ = true;
  }
  // The bytes of one character. They do not end a row of unknown ones.
  void AddBytes(std::span<const int32_t> ids) {
    symbols_.insert(symbols_.end(), ids.begin(), ids.end());
  }
  std::span<const int32_t> Finish() {
    Flush();
    return symbols_;
  }

 private:
  void Flush() {
    if (pending_) symbols_.push_back(unknown_.id);
    pending_ = false;
  }
  const UnknownRule unknown_;
  bool pending_ = false;
  std::vector<int32_t> symbols_;
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_BPE_MERGES_H_

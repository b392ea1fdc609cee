#ifndef OPENP5_PLATFORM_TEXT_BYTE_LEVEL_BPE_H_
#define OPENP5_PLATFORM_TEXT_BYTE_LEVEL_BPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/base/status.h"

namespace openp5::text {

// A byte as the character that stands for it in the pieces of GPT-2's vocabulary and its successors
// (Radford et al., 2019): printable Latin-1 as itself, the others from U+0100 on.
std::string ByteCharacter(unsigned char byte);
// The bytes of a piece made of such characters; a character that stands for none stays as it is.
std::string PieceBytes(std::string_view piece);

// Byte-pair encoding (Sennrich et al., 2016) over bytes. Immutable, thread-safe.
class ByteLevelBpe {
 public:
  // `pieces` by id ("" for an id that is no piece of the model). DataLoss if a byte has no piece,
  // or a merge has parts or a result that are no pieces. `ignore_merges`: a word that is a piece is
  // taken whole, whatever the merges say.
  static absl::StatusOr<ByteLevelBpe> Create(
      const std::vector<std::string>& pieces,
      const std::vector<std::pair<std::string, std::string>>& merges, bool ignore_merges);

  // Appends the ids of `word` (any bytes): the pair of the earliest merge is joined first, of equal
  // ones the leftmost. Time n log n in its length.
  void Encode(std::string_view word, std::vector<int32_t>* ids) const;

 private:
  struct Merge {
    int32_t rank = 0, id = 0;
  };
  static uint64_t Key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  }

  bool ignore_merges_ = false;
  int32_t byte_ids_[256] = {};
  std::unordered_map<uint64_t, Merge> merges_;
  std::unordered_map<std::string, int32_t> words_;  // pieces as bytes; only for ignore_merges
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_BYTE_LEVEL_BPE_H_

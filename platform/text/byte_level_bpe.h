#ifndef OPENP5_PLATFORM_TEXT_BYTE_LEVEL_BPE_H_
#define OPENP5_PLATFORM_TEXT_BYTE_LEVEL_BPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/bpe_merges.h"
#include "platform/text/piece_model.h"

namespace openp5::text {

// A byte as the character that stands for it in the pieces of GPT-2's vocabulary and its successors
// (Radford et al., 2019): printable Latin-1 as itself, the others from U+0100 on.
std::string ByteCharacter(unsigned char byte);
// The bytes of a piece made of such characters; a character that stands for none stays as it is.
std::string PieceBytes(std::string_view piece);

// Byte-pair encoding over bytes. A word is any bytes.
class ByteLevelBpe final : public PieceModel {
 public:
  // DataLoss if a merge has parts or a result that are no pieces. A byte without a piece is
  // unknown; byte_fallback has no meaning here.
  static absl::StatusOr<ByteLevelBpe> Create(const BpeParts& parts);

  void Encode(std::string_view word, std::vector<int32_t>* ids) const override;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  ByteLevelBpe(const BpeParts& parts, BpeMerges merges)
      : unknown_(parts.unknown), merges_(std::move(merges)) {}

  UnknownRule unknown_;
  BpeMerges merges_;
  int32_t byte_ids_[256] = {};  // -1: no piece
  // Pieces as bytes; only for ignore_merges.
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> words_;
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_BYTE_LEVEL_BPE_H_

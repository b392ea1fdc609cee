#ifndef OPENP5_PLATFORM_TEXT_CHARACTER_BPE_H_
#define OPENP5_PLATFORM_TEXT_CHARACTER_BPE_H_

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

// Byte-pair encoding over characters, as SentencePiece's models have it in a tokenizer.json. A word
// is well-formed UTF-8.
class CharacterBpe final : public PieceModel {
 public:
  // DataLoss if a merge has parts or a result that are no pieces.
  static absl::StatusOr<CharacterBpe> Create(BpeParts parts);
  CharacterBpe(CharacterBpe&&) = default;

  void Encode(std::string_view word, std::vector<int32_t>* ids) const override;

 private:
  CharacterBpe(std::vector<std::string> pieces, BpeMerges merges)
      : pieces_(std::move(pieces)), merges_(std::move(merges)) {}
  bool AddBytes(std::string_view character, SymbolGatherer* symbols) const;

  std::vector<std::string> pieces_;
  std::unordered_map<std::string_view, int32_t> ids_;  // of pieces_
  BpeMerges merges_;
  UnknownRule unknown_;
  bool ignore_merges_ = false;
  bool byte_fallback_ = false;
  int32_t byte_ids_[256] = {};  // of `<0x00>` … `<0xFF>`; -1: no piece
};

// The piece that stands for a byte, such as `<0x0A>`.
std::string BytePiece(unsigned char byte);
// The byte that `piece` stands for, or -1.
int32_t PieceByte(std::string_view piece);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_CHARACTER_BPE_H_

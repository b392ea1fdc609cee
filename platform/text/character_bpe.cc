#include "platform/text/character_bpe.h"

#include "platform/text/unicode.h"

namespace openp5::text {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEF";

}  // namespace

std::string BytePiece(unsigned char byte) {
  return std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 0xF] + '>';
}

int32_t PieceByte(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || !piece.ends_with('>')) return -1;
  const size_t high = kDigits.find(piece[3]), low = kDigits.find(piece[4]);
  if (high == std::string_view::npos || low == std::string_view::npos) return -1;
  return static_cast<int32_t>(high << 4 | low);
}

absl::StatusOr<CharacterBpe> CharacterBpe::Create(BpeParts parts) {
  auto ids = PieceIds(parts.pieces);
  OPENP5_ASSIGN_OR_RETURN(BpeMerges merges, BpeMerges::Create(ids, parts.merges));
  // The views of `ids` stay valid: moving a vector leaves its strings where they are.
  CharacterBpe bpe(std::move(parts.pieces), std::move(merges));
  bpe.ids_ = std::move(ids);
  bpe.unknown_ = parts.unknown;
  bpe.ignore_merges_ = parts.ignore_merges;
  bpe.byte_fallback_ = parts.byte_fallback;
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = bpe.ids_.find(BytePiece(static_cast<unsigned char>(byte)));
    bpe.byte_ids_[byte] = found == bpe.ids_.end() ? -1 : found->second;
  }
  return bpe;
}

bool CharacterBpe::AddBytes(std::string_view character, SymbolGatherer* symbols) const {
  std::vector<int32_t> ids;
  for (const char byte : character) {
    ids.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
    if (ids.back() < 0) return false;
  }
  symbols->AddBytes(ids);
  return true;
}

void CharacterBpe::Encode(std::string_view word, std::vector<int32_t>* ids) const {
  if (ignore_merges_) {
    const auto whole = ids_.find(word);
    if (whole != ids_.end()) return ids->push_back(whole->second);
  }
  SymbolGatherer symbols(unknown_);
  while (!word.empty()) {
    const std::string_view character = word.substr(0, FirstCharacter(word).length);
    word.remove_prefix(character.size());
    const auto found = ids_.find(character);
    if (found != ids_.end()) {
      symbols.AddKnown(found->second);
    } else if (!byte_fallback_ || !AddBytes(character, &symbols)) {
      symbols.AddUnknown();
    }
  }
  merges_.Apply(symbols.Finish(), ids);
}

}  // namespace openp5::text

#include "platform/text/byte_level_bpe.h"

#include <algorithm>
#include <array>

#include "platform/base/utf8.h"

namespace openp5::text {
namespace {

bool StandsForItself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// The code point that stands for each byte.
std::array<int, 256> MakeCodePoints() {
  std::array<int, 256> points = {};
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) points[byte] = StandsForItself(byte) ? byte : next++;
  return points;
}

const std::array<int, 256>& CodePoints() {
  static const std::array<int, 256> points = MakeCodePoints();
  return points;
}

const std::unordered_map<std::string, char>& BytesOfCharacters() {
  static const auto* bytes = [] {
    auto* map = new std::unordered_map<std::string, char>();
    for (int byte = 0; byte < 256; ++byte) {
      map->emplace(ByteCharacter(static_cast<unsigned char>(byte)), static_cast<char>(byte));
    }
    return map;
  }();
  return *bytes;
}

}  // namespace

std::string ByteCharacter(unsigned char byte) {
  const int point = CodePoints()[byte];
  if (point < 0x80) return std::string(1, static_cast<char>(point));
  return {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};
}

std::string PieceBytes(std::string_view piece) {
  std::string bytes;
  while (!piece.empty()) {
    const size_t length = std::max<size_t>(Utf8CharacterLength(piece), 1);
    const auto found = BytesOfCharacters().find(std::string(piece.substr(0, length)));
    if (found != BytesOfCharacters().end()) {
      bytes += found->second;
    } else {
      bytes += piece.substr(0, length);
    }
    piece.remove_prefix(length);
  }
  return bytes;
}

absl::StatusOr<ByteLevelBpe> ByteLevelBpe::Create(const BpeParts& parts) {
  const auto ids = PieceIds(parts.pieces);
  OPENP5_ASSIGN_OR_RETURN(BpeMerges merges, BpeMerges::Create(ids, parts.merges));
  ByteLevelBpe bpe(parts, std::move(merges));
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = ids.find(ByteCharacter(static_cast<unsigned char>(byte)));
    bpe.byte_ids_[byte] = found == ids.end() ? -1 : found->second;
  }
  if (parts.ignore_merges) {
    for (const auto& [piece, id] : ids) bpe.words_[PieceBytes(piece)] = id;
  }
  return bpe;
}

void ByteLevelBpe::Encode(std::string_view word, std::vector<int32_t>* ids) const {
  const auto whole = words_.find(word);
  if (whole != words_.end()) return ids->push_back(whole->second);
  SymbolGatherer symbols(unknown_);
  for (const char byte : word) {
    const int32_t id = byte_ids_[static_cast<unsigned char>(byte)];
    if (id >= 0) {
      symbols.AddKnown(id);
    } else {
      symbols.AddUnknown();
    }
  }
  merges_.Apply(symbols.Finish(), ids);
}

}  // namespace openp5::text

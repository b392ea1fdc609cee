#include "platform/text/byte_level_bpe.h"

#include <array>
#include <optional>
#include <queue>
#include <tuple>

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

// A piece of the word while it is being merged: its neighbours by index, -1 at the ends.
struct Symbol {
  int32_t id = 0, previous = -1, next = -1;
  bool is_gone = false;
};

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

absl::StatusOr<ByteLevelBpe> ByteLevelBpe::Create(
    const std::vector<std::string>& pieces,
    const std::vector<std::pair<std::string, std::string>>& merges, bool ignore_merges) {
  ByteLevelBpe bpe;
  bpe.ignore_merges_ = ignore_merges;
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].empty()) continue;
    ids[pieces[id]] = static_cast<int32_t>(id);
    if (ignore_merges) bpe.words_[PieceBytes(pieces[id])] = static_cast<int32_t>(id);
  }
  const auto find = [&ids](const std::string& piece) -> std::optional<int32_t> {
    const auto found = ids.find(piece);
    return found == ids.end() ? std::nullopt : std::optional(found->second);
  };
  for (int byte = 0; byte < 256; ++byte) {
    const auto id = find(ByteCharacter(static_cast<unsigned char>(byte)));
    if (!id.has_value())
      return DataLoss("model: vocab: expected a piece for byte ", byte, ", got none");
    bpe.byte_ids_[byte] = *id;
  }
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const auto left_id = find(left), right_id = find(right), whole = find(left + right);
    if (!left_id.has_value() || !right_id.has_value() || !whole.has_value()) {
      return DataLoss("model: merges: merge ", rank,
                      ": expected two pieces whose join is a piece, got others");
    }
    bpe.merges_.try_emplace(Key(*left_id, *right_id), Merge{static_cast<int32_t>(rank), *whole});
  }
  return bpe;
}

void ByteLevelBpe::Encode(std::string_view word, std::vector<int32_t>* ids) const {
  if (ignore_merges_) {
    const auto whole = words_.find(std::string(word));
    if (whole != words_.end()) return ids->push_back(whole->second);
  }
  const auto count = static_cast<int32_t>(word.size());
  std::vector<Symbol> symbols(word.size());
  for (int32_t i = 0; i < count; ++i) {
    symbols[i] = {.id = byte_ids_[static_cast<unsigned char>(word[i])],
                  .previous = i - 1,
                  .next = i + 1 < count ? i + 1 : -1};
  }
  // Rank and place of a pair, and what it becomes. Pairs whose symbols changed since are passed
  // over.
  using Candidate = std::tuple<int32_t, int32_t, int32_t>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](int32_t left) {
    if (left < 0 || symbols[left].next < 0) return;
    const auto found = merges_.find(Key(symbols[left].id, symbols[symbols[left].next].id));
    if (found != merges_.end()) queue.emplace(found->second.rank, left, found->second.id);
  };
  for (int32_t i = 0; i + 1 < count; ++i) consider(i);
  while (!queue.empty()) {
    const auto [rank, left, id] = queue.top();
    queue.pop();
    Symbol& symbol = symbols[left];
    if (symbol.is_gone || symbol.next < 0) continue;
    const auto found = merges_.find(Key(symbol.id, symbols[symbol.next].id));
    if (found == merges_.end() || found->second.rank != rank) continue;
    Symbol& right = symbols[symbol.next];
    symbol.id = id;
    right.is_gone = true;
    symbol.next = right.next;
    if (right.next >= 0) symbols[right.next].previous = left;
    consider(symbol.previous);
    consider(left);
  }
  for (const Symbol& symbol : symbols) {
    if (!symbol.is_gone) ids->push_back(symbol.id);
  }
}

}  // namespace openp5::text

#include "platform/text/bpe_merges.h"

#include <optional>
#include <queue>
#include <tuple>

namespace openp5::text {
namespace {

// A piece of the word while it is being merged: its neighbours by index, -1 at the ends.
struct Symbol {
  int32_t id = 0, previous = -1, next = -1;
  bool is_gone = false;
};

}  // namespace

std::unordered_map<std::string_view, int32_t> PieceIds(const std::vector<std::string>& pieces) {
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (!pieces[id].empty()) ids[pieces[id]] = static_cast<int32_t>(id);
  }
  return ids;
}

absl::StatusOr<BpeMerges> BpeMerges::Create(
    const std::unordered_map<std::string_view, int32_t>& ids,
    const std::vector<std::pair<std::string, std::string>>& merges) {
  const auto find = [&ids](const std::string& piece) -> std::optional<int32_t> {
    const auto found = ids.find(piece);
    return found == ids.end() ? std::nullopt : std::optional(found->second);
  };
  BpeMerges result;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const auto left_id = find(left), right_id = find(right), whole = find(left + right);
    if (!left_id.has_value() || !right_id.has_value() || !whole.has_value()) {
      return DataLoss("model: merges: merge ", rank,
                      ": expected two pieces whose join is a piece, got others");
    }
    result.merges_.try_emplace(Key(*left_id, *right_id), Merge{static_cast<int32_t>(rank), *whole});
  }
  return result;
}

void BpeMerges::Apply(std::span<const int32_t> from, std::vector<int32_t>* ids) const {
  const auto count = static_cast<int32_t>(from.size());
  std::vector<Symbol> symbols(from.size());
  for (int32_t i = 0; i < count; ++i) {
    symbols[i] = {.id = from[i], .previous = i - 1, .next = i + 1 < count ? i + 1 : -1};
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

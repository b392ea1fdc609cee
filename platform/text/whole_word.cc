#include "platform/text/whole_word.h"

#include <algorithm>

namespace openp5::text {

std::vector<int64_t> WholeWordIds(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  std::vector<int64_t> words;
  words.reserve(ids.size());
  int64_t word = 0;
  for (const int32_t id : ids) {
    if (id == tokenizer.pad_id()) {
      word = 0;
    } else if (tokenizer.StartsWord(id)) {
      ++word;
    }
    words.push_back(word);
  }
  return words;
}

std::vector<std::vector<int64_t>> WholeWordIdsOfBatch(const Tokenizer& tokenizer,
                                                      std::span<const std::vector<int32_t>> rows,
                                                      EndTokenRule rule) {
  size_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size());
  std::vector<std::vector<int64_t>> result;
  result.reserve(rows.size());
  for (const auto& row : rows) {
    result.push_back(WholeWordIds(tokenizer, row));
    const bool ends_at_zero = rule == EndTokenRule::kEveryRow || row.size() == longest;
    if (!row.empty() && ends_at_zero) result.back().back() = 0;
  }
  return result;
}

}  // namespace openp5::text

#ifndef OPENP5_PLATFORM_TEXT_CHARACTER_MAP_H_
#define OPENP5_PLATFORM_TEXT_CHARACTER_MAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"

namespace openp5::text {

// SentencePiece's compiled table of characters and what they become, as Hugging Face's tokenizers
// applies it. The table is a double-array trie (Aoe, 1989) over the bytes of a character, whose
// values are places in a list of replacements, each closed by a zero byte. Immutable, thread-safe.
class CharacterMap {
 public:
  // DataLoss if `table` is no such table; every place in it is checked.
  static absl::StatusOr<CharacterMap> Parse(std::string_view table);

  // `text` (well-formed UTF-8) with every grapheme cluster of less than six bytes, or else every
  // character, replaced by what the table has for the shortest of its beginnings.
  std::string Apply(std::string_view text) const;

 private:
  std::optional<std::string_view> Find(std::string_view key) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_CHARACTER_MAP_H_

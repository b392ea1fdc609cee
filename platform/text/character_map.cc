#include "platform/text/character_map.h"

#include "platform/base/bytes.h"
#include "platform/base/utf8.h"
#include "platform/text/unicode.h"

namespace openp5::text {
namespace {

constexpr size_t kLongestGrapheme = 6;  // from here on, every character by itself

// A unit of the double array holds a label, where its children begin, and whether a key ends.
uint32_t Label(uint32_t unit) { return unit & (1U << 31 | 0xFF); }
bool HasValue(uint32_t unit) { return (unit >> 8 & 1) == 1; }
uint32_t Value(uint32_t unit) { return unit & ((1U << 31) - 1); }
size_t Offset(uint32_t unit) { return static_cast<size_t>(unit >> 10) << ((unit & 1U << 9) >> 6); }

}  // namespace

absl::StatusOr<CharacterMap> CharacterMap::Parse(std::string_view table) {
  ByteReader reader(table);
  uint32_t bytes = 0;
  if (!reader.Number(&bytes) || bytes == 0 || bytes % 4 != 0 || bytes > reader.remaining()) {
    return DataLoss("precompiled_charsmap: expected a trie of whole units, got ", bytes, " of ",
                    table.size(), " bytes");
  }
  CharacterMap map;
  map.units_.resize(bytes / 4);
  OPENP5_CHECK(reader.Numbers(std::span(map.units_)));
  map.replacements_ = table.substr(reader.position());
  if (FindInvalidUtf8(map.replacements_) != std::string::npos) {
    return DataLoss("precompiled_charsmap: expected UTF-8, got other bytes");
  }
  return map;
}

std::optional<std::string_view> CharacterMap::Find(std::string_view key) const {
  size_t node = Offset(units_[0]);
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || Label(units_[node]) != byte) return std::nullopt;
    const bool ends = HasValue(units_[node]);
    node ^= Offset(units_[node]);
    if (!ends) continue;
    if (node >= units_.size() || Value(units_[node]) > replacements_.size()) return std::nullopt;
    const std::string_view rest = std::string_view(replacements_).substr(Value(units_[node]));
    const std::string_view found = rest.substr(0, rest.find('\0'));
    if (FindInvalidUtf8(found) != std::string_view::npos) return std::nullopt;
    return found;
  }
  return std::nullopt;
}

std::string CharacterMap::Apply(std::string_view text) const {
  std::string result;
  while (!text.empty()) {
    const std::string_view grapheme = text.substr(0, FirstGrapheme(text));
    text.remove_prefix(grapheme.size());
    const auto whole = grapheme.size() < kLongestGrapheme ? Find(grapheme) : std::nullopt;
    if (whole.has_value()) {
      result += *whole;
      continue;
    }
    for (std::string_view rest = grapheme; !rest.empty();) {
      const std::string_view character = rest.substr(0, FirstCharacter(rest).length);
      result += Find(character).value_or(character);
      rest.remove_prefix(character.size());
    }
  }
  return result;
}

}  // namespace openp5::text

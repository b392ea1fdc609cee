#ifndef OPENP5_PLATFORM_BASE_UTF8_H_
#define OPENP5_PLATFORM_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace openp5 {

// Bytes of the well-formed UTF-8 character at the start of `text` (Unicode, table 3-7), or 0. An
// empty text counts as one byte.
size_t Utf8CharacterLength(std::string_view text);

// Place of the first byte that is not part of a well-formed character; npos if there is none.
size_t FindInvalidUtf8(std::string_view text);

// `bytes` with U+FFFD for every byte that is not part of a well-formed character.
std::string WellFormedUtf8(std::string_view bytes);

// Appends the character of a code point (no surrogate, at most 0x10FFFF).
void AppendUtf8(uint32_t code, std::string* text);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_UTF8_H_

#ifndef OPENP5_PLATFORM_TEXT_UNICODE_H_
#define OPENP5_PLATFORM_TEXT_UNICODE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace openp5::text {

// Properties of characters as Hugging Face's tokenizers sees them. Every text here is well-formed
// UTF-8.

// The first character of a text that is not empty.
struct Character {
  int32_t code = 0;
  size_t length = 1;
};
Character FirstCharacter(std::string_view text);
// The last one.
Character LastCharacter(std::string_view text);

bool IsBlank(int32_t code);    // Unicode's White_Space
bool IsNumeric(int32_t code);  // categories Nd, Nl and No
bool IsWord(int32_t code);     // letters, marks, digits, and what connects them

// How many bytes of `text` are blanks at its start, and at its end.
size_t LeadingBlanks(std::string_view text);
size_t TrailingBlanks(std::string_view text);

enum class NormalForm { kC, kD, kKc, kKd };
std::string InNormalForm(std::string_view text, NormalForm form);
std::string Lowercase(std::string_view text);

// Bytes of the first grapheme cluster of a text that is not empty.
size_t FirstGrapheme(std::string_view text);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_UNICODE_H_

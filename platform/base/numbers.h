#ifndef OPENP5_PLATFORM_BASE_NUMBERS_H_
#define OPENP5_PLATFORM_BASE_NUMBERS_H_

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

namespace openp5 {

// The number that the whole of `text` spells, whatever the locale: whole numbers in `base`; reals
// as "0.5", "1e-3", "inf" or "nan". Nothing for any other text (blanks and a leading plus among
// them), and for a number that `Number` cannot hold.
template <class Number>
std::optional<Number> ParseNumber(std::string_view text, int base = 10) {
  const char* const end = text.data() + text.size();
  Number number = 0;
  std::from_chars_result result = {};
  if constexpr (std::is_integral_v<Number>) {
    result = std::from_chars(text.data(), end, number, base);
  } else {
    result = std::from_chars(text.data(), end, number);
  }
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_NUMBERS_H_

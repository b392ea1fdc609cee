#include "platform/text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "platform/base/status.h"
#include "platform/base/utf8.h"

namespace openp5::text {
namespace {

const utf8proc_uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

int Options(NormalForm form) {
  switch (form) {
    case NormalForm::kC:
      return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case NormalForm::kD:
      return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case NormalForm::kKc:
      return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    case NormalForm::kKd:
      return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
  }
  return 0;
}

}  // namespace

Character FirstCharacter(std::string_view text) {
  utf8proc_int32_t code = 0;
  const auto length =
      utf8proc_iterate(Bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &code);
  OPENP5_CHECK(length > 0);  // the text is well-formed and not empty
  return {code, static_cast<size_t>(length)};
}

Character LastCharacter(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return FirstCharacter(text.substr(begin));
}

bool IsBlank(int32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool IsNumeric(int32_t code) {
  const auto category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
         category == UTF8PROC_CATEGORY_NO;
}

bool IsWord(int32_t code) {
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return code == 0x200C || code == 0x200D;
  }
}

size_t LeadingBlanks(std::string_view text) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const Character next = FirstCharacter(text.substr(bytes));
    if (!IsBlank(next.code)) break;
    bytes += next.length;
  }
  return bytes;
}

size_t TrailingBlanks(std::string_view text) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const Character last = LastCharacter(text.substr(0, text.size() - bytes));
    if (!IsBlank(last.code)) break;
    bytes += last.length;
  }
  return bytes;
}

std::string InNormalForm(std::string_view text, NormalForm form) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(Bytes(text), static_cast<utf8proc_ssize_t>(text.size()), &result,
                   static_cast<utf8proc_option_t>(Options(form)));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(result, std::free);
  OPENP5_CHECK(size >= 0);  // nothing but malformed text or no memory is refused
  return {reinterpret_cast<const char*>(result), static_cast<size_t>(size)};
}

std::string Lowercase(std::string_view text) {
  constexpr int32_t kCapitalDottedI = 0x130;  // the one whose lower case is two characters
  std::string result;
  while (!text.empty()) {
    const Character next = FirstCharacter(text);
    if (next.code == kCapitalDottedI) {
      result += "i\xCC\x87";
    } else {
      AppendUtf8(static_cast<uint32_t>(utf8proc_tolower(next.code)), &result);
    }
    text.remove_prefix(next.length);
  }
  return result;
}

size_t FirstGrapheme(std::string_view text) {
  utf8proc_int32_t state = 0;
  Character last = FirstCharacter(text);
  size_t bytes = last.length;
  while (bytes < text.size()) {
    const Character next = FirstCharacter(text.substr(bytes));
    if (utf8proc_grapheme_break_stateful(last.code, next.code, &state)) break;
    bytes += next.length;
    last = next;
  }
  return bytes;
}

}  // namespace openp5::text

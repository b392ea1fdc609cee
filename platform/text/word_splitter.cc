#include "platform/text/word_splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string>
#include <utility>

namespace openp5::text {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kPatterns[] = {
    kGpt2,
    // Llama 3.
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    // Qwen 2: every digit by itself.
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
};

// Unicode's White_Space, which PCRE2's \s is not exactly.
constexpr std::string_view kBlanks =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

// The pattern with \s and \S spelled out; inside of brackets without brackets of their own.
std::string SpellBlanks(std::string_view pattern) {
  std::string spelled;
  bool in_brackets = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 's') {
        spelled += in_brackets ? std::string(kBlanks) : StrCat("[", kBlanks, "]");
      } else if (next == 'S') {
        spelled += StrCat("[^", kBlanks, "]");
      } else {
        spelled += {c, next};
      }
      continue;
    }
    if (c == '[') in_brackets = true;
    if (c == ']') in_brackets = false;
    spelled += c;
  }
  return spelled;
}

}  // namespace

absl::StatusOr<WordSplitter> WordSplitter::Gpt2() { return Create(kGpt2); }

absl::StatusOr<WordSplitter> WordSplitter::Create(std::string_view pattern) {
  bool known = false;
  for (const std::string_view published : kPatterns) known = known || pattern == published;
  if (!known) {
    return InvalidArgument(
        "pre_tokenizer: Split: pattern: expected that of GPT-2, Llama 3 or Qwen "
        "2, got '",
        pattern.substr(0, 200), "'");
  }
  const std::string spelled = SpellBlanks(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  OPENP5_CHECK(code != nullptr);  // the patterns are ours
  return WordSplitter(std::shared_ptr<const void>(code, [](const void* owned) {
    pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(owned)));
  }));
}

void WordSplitter::Split(std::string_view text,
                         const std::function<void(std::string_view)>& on_word) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free);
  size_t done = 0;
  while (done < text.size()) {
    const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                  done, done == 0 ? 0 : PCRE2_NO_UTF_CHECK, match.get(), nullptr);
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
    // Every character begins a match of a published pattern, and matching is linear in the word.
    OPENP5_CHECK(found > 0 && range[0] == done && range[1] > done);
    on_word(text.substr(done, range[1] - done));
    done = range[1];
  }
}

}  // namespace openp5::text

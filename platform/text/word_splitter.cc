#include "platform/text/word_splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "platform/text/unicode.h"

namespace openp5::text {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// Every digit by itself.
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kPatterns[] = {
    kGpt2,
    // Llama 3.
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    kQwen2,
    // Qwen 3.5: marks belong to their letters.
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    // GPT-4.
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
    // GPT-4o.
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    // Mistral's Tekken: the same without the contractions, every digit by itself.
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    // DeepSeek: three of them, one after the other.
    R"(\p{N}{1,3})",
    "[\xE4\xB8\x80-\xE9\xBE\xA5\xE3\x81\x80-\xE3\x82\x9F\xE3\x82\xA0-\xE3\x83\xBF]+",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
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

// Characters that Unicode 15, 15.1 and 16 added. Hugging Face's tokenizers 0.22 and 0.23 know them;
// PCRE2 knows those of the Unicode that it was built with, 14 in Debian 12. It gets older ones of
// the same category and of as many bytes in their place, which stand for them: kLu3 is a capital
// letter of three bytes, kM4 a mark of four.
constexpr std::string_view kLu3 = "\u1e00";
constexpr std::string_view kLl3 = "\u1e01";
constexpr std::string_view kM3 = "\u20d0";
constexpr std::string_view kP3 = "\u2010";
constexpr std::string_view kS3 = "\u2190";
constexpr std::string_view kLu4 = "\U00010400";
constexpr std::string_view kLl4 = "\U00010428";
constexpr std::string_view kLm4 = "\U00016b40";
constexpr std::string_view kLo4 = "\U00010000";
constexpr std::string_view kM4 = "\U00010a01";
constexpr std::string_view kN4 = "\U00010107";
constexpr std::string_view kP4 = "\U00010100";
constexpr std::string_view kS4 = "\U0001f300";
struct Addition {
  int32_t first, last;
  std::string_view older;
};
constexpr Addition kAdditions[] = {
    {0x897, 0x897, kM3},      {0xcf3, 0xcf3, kM3},      {0xece, 0xece, kM3},
    {0x1b4e, 0x1b4f, kP3},    {0x1b7f, 0x1b7f, kP3},    {0x1c89, 0x1c89, kLu3},
    {0x1c8a, 0x1c8a, kLl3},   {0x2427, 0x2429, kS3},    {0x2ffc, 0x2fff, kS3},
    {0x31e4, 0x31e5, kS3},    {0x31ef, 0x31ef, kS3},    {0xa7cb, 0xa7cc, kLu3},
    {0xa7cd, 0xa7cd, kLl3},   {0xa7da, 0xa7da, kLu3},   {0xa7db, 0xa7db, kLl3},
    {0xa7dc, 0xa7dc, kLu3},   {0x105c0, 0x105f3, kLo4}, {0x10d40, 0x10d49, kN4},
    {0x10d4a, 0x10d4d, kLo4}, {0x10d4e, 0x10d4e, kLm4}, {0x10d4f, 0x10d4f, kLo4},
    {0x10d50, 0x10d65, kLu4}, {0x10d69, 0x10d6d, kM4},  {0x10d6e, 0x10d6e, kP4},
    {0x10d6f, 0x10d6f, kLm4}, {0x10d70, 0x10d85, kLl4}, {0x10d8e, 0x10d8f, kS4},
    {0x10ec2, 0x10ec4, kLo4}, {0x10efc, 0x10eff, kM4},  {0x1123f, 0x11240, kLo4},
    {0x11241, 0x11241, kM4},  {0x11380, 0x11389, kLo4}, {0x1138b, 0x1138b, kLo4},
    {0x1138e, 0x1138e, kLo4}, {0x11390, 0x113b5, kLo4}, {0x113b7, 0x113b7, kLo4},
    {0x113b8, 0x113c0, kM4},  {0x113c2, 0x113c2, kM4},  {0x113c5, 0x113c5, kM4},
    {0x113c7, 0x113ca, kM4},  {0x113cc, 0x113d0, kM4},  {0x113d1, 0x113d1, kLo4},
    {0x113d2, 0x113d2, kM4},  {0x113d3, 0x113d3, kLo4}, {0x113d4, 0x113d5, kP4},
    {0x113d7, 0x113d8, kP4},  {0x113e1, 0x113e2, kM4},  {0x116d0, 0x116e3, kN4},
    {0x11b00, 0x11b09, kP4},  {0x11bc0, 0x11be0, kLo4}, {0x11be1, 0x11be1, kP4},
    {0x11bf0, 0x11bf9, kN4},  {0x11f00, 0x11f01, kM4},  {0x11f02, 0x11f02, kLo4},
    {0x11f03, 0x11f03, kM4},  {0x11f04, 0x11f10, kLo4}, {0x11f12, 0x11f33, kLo4},
    {0x11f34, 0x11f3a, kM4},  {0x11f3e, 0x11f42, kM4},  {0x11f43, 0x11f4f, kP4},
    {0x11f50, 0x11f59, kN4},  {0x11f5a, 0x11f5a, kM4},  {0x1342f, 0x1342f, kLo4},
    {0x13440, 0x13440, kM4},  {0x13441, 0x13446, kLo4}, {0x13447, 0x13455, kM4},
    {0x13460, 0x143fa, kLo4}, {0x16100, 0x1611d, kLo4}, {0x1611e, 0x1612f, kM4},
    {0x16130, 0x16139, kN4},  {0x16d40, 0x16d42, kLm4}, {0x16d43, 0x16d6a, kLo4},
    {0x16d6b, 0x16d6c, kLm4}, {0x16d6d, 0x16d6f, kP4},  {0x16d70, 0x16d79, kN4},
    {0x18cff, 0x18cff, kLo4}, {0x1b132, 0x1b132, kLo4}, {0x1b155, 0x1b155, kLo4},
    {0x1cc00, 0x1ccef, kS4},  {0x1ccf0, 0x1ccf9, kN4},  {0x1cd00, 0x1ceb3, kS4},
    {0x1d2c0, 0x1d2d3, kN4},  {0x1df25, 0x1df2a, kLl4}, {0x1e030, 0x1e06d, kLm4},
    {0x1e08f, 0x1e08f, kM4},  {0x1e4d0, 0x1e4ea, kLo4}, {0x1e4eb, 0x1e4eb, kLm4},
    {0x1e4ec, 0x1e4ef, kM4},  {0x1e4f0, 0x1e4f9, kN4},  {0x1e5d0, 0x1e5ed, kLo4},
    {0x1e5ee, 0x1e5ef, kM4},  {0x1e5f0, 0x1e5f0, kLo4}, {0x1e5f1, 0x1e5fa, kN4},
    {0x1e5ff, 0x1e5ff, kP4},  {0x1f6dc, 0x1f6dc, kS4},  {0x1f774, 0x1f776, kS4},
    {0x1f77b, 0x1f77f, kS4},  {0x1f7d9, 0x1f7d9, kS4},  {0x1f8b2, 0x1f8bb, kS4},
    {0x1f8c0, 0x1f8c1, kS4},  {0x1fa75, 0x1fa77, kS4},  {0x1fa87, 0x1fa89, kS4},
    {0x1fa8f, 0x1fa8f, kS4},  {0x1faad, 0x1faaf, kS4},  {0x1fabb, 0x1fabf, kS4},
    {0x1fac6, 0x1fac6, kS4},  {0x1face, 0x1facf, kS4},  {0x1fada, 0x1fadc, kS4},
    {0x1fadf, 0x1fadf, kS4},  {0x1fae8, 0x1fae9, kS4},  {0x1faf7, 0x1faf8, kS4},
    {0x1fbcb, 0x1fbef, kS4},  {0x2b739, 0x2b739, kLo4}, {0x2ebf0, 0x2ee5d, kLo4},
    {0x31350, 0x323af, kLo4}};

// The older character in the place of the one of that code; empty: itself.
std::string_view OlderCharacter(int32_t code) {
  const Addition* found =
      std::lower_bound(std::begin(kAdditions), std::end(kAdditions), code,
                       [](const Addition& addition, int32_t c) { return addition.last < c; });
  return found != std::end(kAdditions) && found->first <= code ? found->older : std::string_view();
}

// `text` with older characters; none if it is itself.
std::optional<std::string> WithOlderCharacters(std::string_view text) {
  std::optional<std::string> older;
  for (size_t i = 0; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) < 0xe0)
      continue;  // no beginning of three bytes or four
    const Character character = FirstCharacter(text.substr(i));
    const std::string_view other = OlderCharacter(character.code);
    if (other.empty()) continue;
    if (!older.has_value()) older = std::string(text);
    older->replace(i, character.length, other);
  }
  return older;
}

// PCRE2 gives up after ten million steps unless told otherwise: a text of as many blanks takes
// more.
const pcre2_match_context* WithoutStepLimit() {
  static const pcre2_match_context* const context = [] {
    pcre2_match_context* made = pcre2_match_context_create(nullptr);
    if (made != nullptr) pcre2_set_match_limit(made, std::numeric_limits<uint32_t>::max());
    return made;
  }();
  return context;
}

}  // namespace

std::string_view WordSplitter::Qwen2Pattern() { return kQwen2; }

absl::StatusOr<WordSplitter> WordSplitter::Gpt2() { return Create(kGpt2); }

absl::StatusOr<WordSplitter> WordSplitter::Create(std::string_view pattern) {
  bool known = false;
  for (const std::string_view published : kPatterns) known = known || pattern == published;
  if (!known) {
    return InvalidArgument(
        "pre_tokenizer: Split: pattern: expected that of GPT-2, GPT-4, GPT-4o, Llama 3, Qwen 2, "
        "Qwen 3.5, Tekken or DeepSeek, got '",
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

void WordSplitter::FindAll(std::string_view text,
                           const std::function<void(size_t begin, size_t end)>& on_match) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free);
  const std::optional<std::string> older = WithOlderCharacters(text);
  if (older.has_value()) text = *older;
  size_t done = 0;
  while (done < text.size()) {
    const int found = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                  done, done == 0 ? 0 : PCRE2_NO_UTF_CHECK, match.get(),
                                  const_cast<pcre2_match_context*>(WithoutStepLimit()));
    if (found == PCRE2_ERROR_NOMATCH) return;
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
    // No published pattern matches nothing, and matching one is linear in the word.
    OPENP5_CHECK(found > 0 && range[1] > range[0]);
    on_match(range[0], range[1]);
    done = range[1];
  }
}

}  // namespace openp5::text

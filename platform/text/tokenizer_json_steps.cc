#include "platform/text/tokenizer_json_steps.h"

#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "platform/text/character_map.h"
#include "platform/text/json_fields.h"
#include "platform/text/sentencepiece_model.h"
#include "platform/text/unicode.h"
#include "platform/text/word_splitter.h"

namespace openp5::text {
namespace {

using nlohmann::json;

// The bytes that base 64 stands for; nothing if it is none.
std::optional<std::string> FromBase64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

absl::Status ReadCharacterMap(const json& step, TextNormalizer* result) {
  constexpr std::string_view kWhere = "normalizer: Precompiled";
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, kWhere, {"type", "precompiled_charsmap"}));
  const json& table = Field(step, "precompiled_charsmap");
  if (table.is_null() || table == "") return absl::OkStatus();
  const auto bytes =
      table.is_string() ? FromBase64(table.get_ref<const std::string&>()) : std::nullopt;
  if (!bytes.has_value()) return Refuse(kWhere, "a table in base 64", table);
  auto map = CharacterMap::Parse(*bytes);
  if (!map.ok()) return Annotate(map.status(), kWhere);
  // Steps are copied together with what holds them; the table is not.
  const auto shared = std::make_shared<const CharacterMap>(*std::move(map));
  result->Add([shared](std::string_view text) { return shared->Apply(text); });
  return absl::OkStatus();
}

absl::Status ReadReplace(const json& step, TextNormalizer* result) {
  constexpr std::string_view kWhere = "normalizer: Replace";
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, kWhere, {"type", "pattern", "content"}));
  std::string content, from, regex;
  OPENP5_RETURN_IF_ERROR(ReadString(step, "content", kWhere, &content));
  // Steps that feed each other could make a letter a book.
  constexpr size_t kMostSteps = 5, kLongestContent = 8;
  if (result->size() >= kMostSteps || content.size() > kLongestContent) {
    return Refuse(kWhere, StrCat("at most ", kLongestContent, " bytes, and ", kMostSteps, " steps"),
                  Field(step, "content"));
  }
  const json& pattern = Field(step, "pattern");
  OPENP5_RETURN_IF_ERROR(ReadString(pattern, "String", kWhere, &from));
  OPENP5_RETURN_IF_ERROR(ReadString(pattern, "Regex", kWhere, &regex));
  if (!from.empty()) {
    result->Add(ReplaceStep(std::move(from), std::move(content)));
  } else if (regex == " {2,}") {
    result->Add(ReplaceSpacesStep(std::move(content)));
  } else {
    return Refuse(StrCat(kWhere, ": pattern"), "text, or the regular expression ' {2,}'", pattern);
  }
  return absl::OkStatus();
}

absl::Status ReadStrip(const json& step, TextNormalizer* result) {
  constexpr std::string_view kWhere = "normalizer: Strip";
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, kWhere, {"type", "strip_left", "strip_right"}));
  bool left = true, right = true;
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "strip_left", kWhere, &left));
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "strip_right", kWhere, &right));
  result->Add(StripStep(left, right));
  return absl::OkStatus();
}

absl::Status ReadPrepend(const json& step, TextNormalizer* result) {
  constexpr std::string_view kWhere = "normalizer: Prepend";
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, kWhere, {"type", "prepend"}));
  std::string prefix;
  OPENP5_RETURN_IF_ERROR(ReadString(step, "prepend", kWhere, &prefix));
  result->Add(PrependStep(std::move(prefix)));
  return absl::OkStatus();
}

// One without settings; false if `type` is another.
bool AddPlainNormalizer(const json& type, TextNormalizer* result) {
  constexpr std::pair<const char*, NormalForm> kForms[] = {{"NFC", NormalForm::kC},
                                                           {"NFD", NormalForm::kD},
                                                           {"NFKC", NormalForm::kKc},
                                                           {"NFKD", NormalForm::kKd}};
  for (const auto& [name, form] : kForms) {
    if (type != name) continue;
    result->Add([form = form](std::string_view text) { return InNormalForm(text, form); });
    return true;
  }
  if (type != "Lowercase") return false;
  result->Add(Lowercase);
  return true;
}

// {"type": "ByteLevel", …}; `use_regex` (true if absent) cuts by GPT-2's pattern.
absl::Status ReadByteLevel(const json& step, bool after_split, PreTokenizer* result) {
  constexpr std::string_view kWhere = "pre_tokenizer: ByteLevel";
  OPENP5_RETURN_IF_ERROR(
      OnlyKnown(step, kWhere, {"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  bool use_regex = true, add_prefix_space = false;
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "use_regex", kWhere, &use_regex));
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "add_prefix_space", kWhere, &add_prefix_space));
  if (after_split && use_regex) {
    return InvalidArgument(kWhere, ": use_regex: expected false after a Split, got true");
  }
  if (after_split && add_prefix_space) {
    return InvalidArgument(kWhere, ": add_prefix_space: expected false after a Split, got true");
  }
  if (add_prefix_space) result->Add(LeadingSpaceStep());
  if (!use_regex) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(WordSplitter splitter, WordSplitter::Gpt2());
  result->Add(SplitStep(std::move(splitter)));
  return absl::OkStatus();
}

absl::Status ReadSplit(const json& step, PreTokenizer* result) {
  constexpr std::string_view kWhere = "pre_tokenizer: Split";
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, kWhere, {"type", "pattern", "behavior", "invert"}));
  const json& pattern = Field(Field(step, "pattern"), "Regex");
  if (!pattern.is_string())
    return Refuse(kWhere, "a pattern of kind Regex", Field(step, "pattern"));
  if (Field(step, "behavior") != "Isolated") {
    return Refuse("pre_tokenizer: Split: behavior", "Isolated", Field(step, "behavior"));
  }
  bool invert = false;
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "invert", kWhere, &invert));
  if (invert) return InvalidArgument(kWhere, ": invert: expected false, got true");
  OPENP5_ASSIGN_OR_RETURN(WordSplitter splitter,
                          WordSplitter::Create(pattern.get_ref<const std::string&>()));
  result->Add(SplitStep(std::move(splitter)));
  return absl::OkStatus();
}

absl::Status ReadDigits(const json& step, PreTokenizer* result) {
  constexpr std::string_view kWhere = "pre_tokenizer: Digits";
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, kWhere, {"type", "individual_digits"}));
  bool individual = false;
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "individual_digits", kWhere, &individual));
  result->Add(DigitsStep(individual));
  return absl::OkStatus();
}

// Older files say `add_prefix_space` for what newer ones call `prepend_scheme`.
absl::Status ReadMetaspace(const json& step, PreTokenizer* result) {
  constexpr std::string_view kWhere = "pre_tokenizer: Metaspace";
  OPENP5_RETURN_IF_ERROR(
      OnlyKnown(step, kWhere,
                {"type", "replacement", "str_rep", "split", "add_prefix_space", "prepend_scheme"}));
  MarkOptions options{.mark = std::string(kWordMark)};
  bool add_prefix_space = true;
  OPENP5_RETURN_IF_ERROR(ReadString(step, "replacement", kWhere, &options.mark));
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "add_prefix_space", kWhere, &add_prefix_space));
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "split", kWhere, &options.split));
  std::string scheme = add_prefix_space ? "always" : "never";
  OPENP5_RETURN_IF_ERROR(ReadString(step, "prepend_scheme", kWhere, &scheme));
  if (options.mark.empty()) return Refuse(kWhere, "a replacement", Field(step, "replacement"));
  if (scheme == "always") {
    options.leading = MarkOptions::Leading::kAlways;
  } else if (scheme == "first") {
    options.leading = MarkOptions::Leading::kTextOnly;
  } else if (scheme == "never") {
    options.leading = MarkOptions::Leading::kNever;
  } else {
    return Refuse(StrCat(kWhere, ": prepend_scheme"), "always, first or never", json(scheme));
  }
  result->Add(MarkStep(std::move(options)));
  return absl::OkStatus();
}

// One step of a pre-tokenizer, which is no Sequence. `after_split`: a Split stands before it.
absl::Status ReadPreTokenizerStep(const json& step, bool after_split, PreTokenizer* result) {
  const json& type = Field(step, "type");
  if (type == "ByteLevel") return ReadByteLevel(step, after_split, result);
  if (type == "Split") return ReadSplit(step, result);
  if (type == "Digits") return ReadDigits(step, result);
  if (type == "Metaspace") return ReadMetaspace(step, result);
  if (type == "WhitespaceSplit") {
    result->Add(BlanksStep());
    return OnlyKnown(step, "pre_tokenizer: WhitespaceSplit", {"type"});
  }
  return Refuse("pre_tokenizer",
                "ByteLevel, Split, Digits, Metaspace, WhitespaceSplit or a Sequence of them", step);
}

// The ids that a special token of a template stands for.
absl::Status ReadTemplateToken(const json& tokens, const json& item, std::vector<int32_t>* ids) {
  constexpr std::string_view kWhere = "post_processor: TemplateProcessing";
  const json& name = Field(item, "id");
  const json& token = name.is_string() && tokens.is_object() && tokens.contains(name)
                          ? tokens[name.get<std::string>()]
                          : json();
  if (!Field(token, "ids").is_array()) return Refuse(kWhere, "a special token with ids", item);
  for (const json& value : token["ids"]) {
    int32_t id = 0;
    if (!ReadId(value, &id)) return Refuse(kWhere, "ids of special tokens", value);
    ids->push_back(id);
  }
  return absl::OkStatus();
}

// Special tokens before and after the text.
absl::Status ReadTemplate(const json& step, TokenizerJson* result) {
  constexpr std::string_view kWhere = "post_processor: TemplateProcessing";
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, kWhere, {"type", "single", "pair", "special_tokens"}));
  const json& single = Field(step, "single");
  if (!single.is_array()) return Refuse(kWhere, "a list 'single'", single);
  int texts = 0;
  for (const json& item : single) {
    if (item.is_object() && item.size() == 1 && item.contains("Sequence")) {
      ++texts;
    } else if (item.is_object() && item.size() == 1 && item.contains("SpecialToken")) {
      OPENP5_RETURN_IF_ERROR(ReadTemplateToken(Field(step, "special_tokens"), item["SpecialToken"],
                                               texts == 0 ? &result->prefix : &result->suffix));
    } else {
      return Refuse(kWhere, "Sequence or SpecialToken", item);
    }
  }
  if (texts != 1) return Refuse(kWhere, "one Sequence", single);
  return absl::OkStatus();
}

absl::Status ReadDecoderStep(const json& step, TokenizerJson* result) {
  const json& type = Field(step, "type");
  for (const char* name : {"ByteLevel", "Metaspace", "Replace", "ByteFallback", "Fuse", "Strip"}) {
    if (type != name) continue;
    const bool drops =
        type == "Strip" || (type == "Metaspace" && Field(step, "prepend_scheme") != "never" &&
                            Field(step, "add_prefix_space") != false);
    result->drops_leading_space = result->drops_leading_space || drops;
    return absl::OkStatus();
  }
  return Refuse("decoder", "ByteLevel, Metaspace, Replace, ByteFallback, Fuse or Strip", step);
}

}  // namespace

absl::Status ReadNormalizer(const json& step, TextNormalizer* result) {
  if (step.is_null()) return absl::OkStatus();
  const json& type = Field(step, "type");
  if (type == "Sequence") {
    OPENP5_RETURN_IF_ERROR(OnlyKnown(step, "normalizer: Sequence", {"type", "normalizers"}));
    const json& steps = Field(step, "normalizers");
    if (!steps.is_array()) return Refuse("normalizer: Sequence", "a list", steps);
    for (const json& inner : steps) OPENP5_RETURN_IF_ERROR(ReadNormalizer(inner, result));
    return absl::OkStatus();
  }
  if (type == "Precompiled") return ReadCharacterMap(step, result);
  if (type == "Replace") return ReadReplace(step, result);
  if (type == "Strip") return ReadStrip(step, result);
  if (type == "Prepend") return ReadPrepend(step, result);
  if (AddPlainNormalizer(type, result)) return OnlyKnown(step, "normalizer", {"type"});
  return Refuse("normalizer",
                "none, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip, Precompiled or a "
                "Sequence of them",
                step);
}

absl::Status ReadPreTokenizer(const json& step, PreTokenizer* result, bool* has_byte_level) {
  *has_byte_level = false;
  if (step.is_null()) return absl::OkStatus();
  json list = json::array({step});
  if (Field(step, "type") == "Sequence") {
    OPENP5_RETURN_IF_ERROR(OnlyKnown(step, "pre_tokenizer: Sequence", {"type", "pretokenizers"}));
    list = Field(step, "pretokenizers");
    if (!list.is_array()) return Refuse("pre_tokenizer: Sequence", "a list", list);
  }
  bool after_split = false;
  for (const json& inner : list) {
    if (*has_byte_level) {
      return Refuse("pre_tokenizer: Sequence", "ByteLevel as the last step", inner);
    }
    OPENP5_RETURN_IF_ERROR(ReadPreTokenizerStep(inner, after_split, result));
    after_split = after_split || Field(inner, "type") == "Split";
    *has_byte_level = Field(inner, "type") == "ByteLevel";
  }
  return absl::OkStatus();
}

absl::Status ReadPostProcessor(const json& step, TokenizerJson* result) {
  const json& type = Field(step, "type");
  if (step.is_null() || type == "ByteLevel") return absl::OkStatus();  // moves offsets, not ids
  if (type == "TemplateProcessing") return ReadTemplate(step, result);
  if (type != "Sequence" || !Field(step, "processors").is_array()) {
    return Refuse("post_processor", "none, ByteLevel or TemplateProcessing", step);
  }
  int templates = 0;
  for (const json& inner : step["processors"]) {
    const bool is_template = Field(inner, "type") == "TemplateProcessing";
    templates += is_template ? 1 : 0;
    if ((!is_template && Field(inner, "type") != "ByteLevel") || templates > 1) {
      return Refuse("post_processor: Sequence", "ByteLevel and one TemplateProcessing", inner);
    }
    OPENP5_RETURN_IF_ERROR(ReadPostProcessor(inner, result));
  }
  return absl::OkStatus();
}

absl::Status ReadDecoder(const json& step, bool has_byte_level, TokenizerJson* result) {
  if (has_byte_level) {
    return Field(step, "type") == "ByteLevel" ? absl::OkStatus()
                                              : Refuse("decoder", "ByteLevel", step);
  }
  if (step.is_null()) return absl::OkStatus();
  if (Field(step, "type") != "Sequence") return ReadDecoderStep(step, result);
  const json& steps = Field(step, "decoders");
  if (!steps.is_array()) return Refuse("decoder: Sequence", "a list", steps);
  for (const json& inner : steps) OPENP5_RETURN_IF_ERROR(ReadDecoderStep(inner, result));
  return absl::OkStatus();
}

}  // namespace openp5::text

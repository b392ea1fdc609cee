#include "platform/text/tokenizer_json.h"

#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "platform/base/json.h"
#include "platform/base/log.h"

namespace openp5::text {
namespace {

using nlohmann::json;

// A value as it can stand in one line of a message.
std::string Shown(const json& value) {
  constexpr size_t kMost = 120;
  const bool has_type = value.is_object() && value.contains("type") && value["type"].is_string();
  return has_type ? OneLine(value["type"].get_ref<const std::string&>().substr(0, kMost))
                  : JsonExcerpt(value);
}

// The field, null if there is none.
const json& Field(const json& object, const char* name) {
  static const json* const kNull = new json();
  if (!object.is_object()) return *kNull;
  const auto found = object.find(name);
  return found == object.end() ? *kNull : *found;
}

absl::Status Refuse(std::string_view where, std::string_view expected, const json& got) {
  return InvalidArgument(where, ": expected ", expected, ", got ", Shown(got));
}

// Every field of `object` must be one of `known`: a newer version's setting may change ids.
absl::Status OnlyKnown(const json& object, std::string_view where,
                       std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Refuse(where, "an object", object);
  for (const auto& [name, value] : object.items()) {
    bool found = false;
    for (const std::string_view other : known) found = found || name == other;
    if (!found) return InvalidArgument(where, ": '", OneLine(name.substr(0, 80)), "' is not known");
  }
  return absl::OkStatus();
}

absl::Status ReadBool(const json& object, const char* name, std::string_view where, bool* value) {
  const json& field = Field(object, name);
  if (field.is_null()) return absl::OkStatus();
  if (!field.is_boolean()) {
    return Refuse(StrCat(where, ": ", std::string_view(name)), "true or false", field);
  }
  *value = field.get<bool>();
  return absl::OkStatus();
}

bool ReadId(const json& value, int32_t* id) {
  if (!value.is_number_integer()) return false;
  const auto number = value.get<int64_t>();
  if (number < 0 || number > INT32_MAX) return false;
  *id = static_cast<int32_t>(number);
  return true;
}

// None, or Unicode's composed form.
absl::Status ReadNormalizer(const json& step, TokenizerJson* result) {
  if (step.is_null()) return absl::OkStatus();
  if (Field(step, "type") != "NFC") return Refuse("normalizer", "none or NFC", step);
  result->compose = true;
  return OnlyKnown(step, "normalizer: NFC", {"type"});
}

// {"type": "ByteLevel", …}; `use_regex` (true if absent) cuts by GPT-2's pattern.
absl::Status ReadByteLevel(const json& step, bool alone, TokenizerJson* result) {
  constexpr std::string_view kWhere = "pre_tokenizer: ByteLevel";
  OPENP5_RETURN_IF_ERROR(
      OnlyKnown(step, kWhere, {"type", "add_prefix_space", "trim_offsets", "use_regex"}));
  bool use_regex = true;
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "use_regex", kWhere, &use_regex));
  OPENP5_RETURN_IF_ERROR(ReadBool(step, "add_prefix_space", kWhere, &result->add_prefix_space));
  if (use_regex != alone) {
    return InvalidArgument(kWhere, ": use_regex: expected ", alone ? "true" : "false",
                           alone ? " without" : " after", " a Split, got the other");
  }
  if (!alone && result->add_prefix_space) {
    return InvalidArgument(kWhere, ": add_prefix_space: expected false after a Split, got true");
  }
  return absl::OkStatus();
}

absl::Status ReadSplit(const json& step, TokenizerJson* result) {
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
  result->pattern = pattern.get<std::string>();
  return absl::OkStatus();
}

// ByteLevel, or a Sequence of Split and ByteLevel.
absl::Status ReadPreTokenizer(const json& step, TokenizerJson* result) {
  constexpr const char* kExpected = "ByteLevel, or a Sequence of Split and ByteLevel";
  if (Field(step, "type") == "ByteLevel") return ReadByteLevel(step, /*alone=*/true, result);
  if (Field(step, "type") != "Sequence") return Refuse("pre_tokenizer", kExpected, step);
  OPENP5_RETURN_IF_ERROR(OnlyKnown(step, "pre_tokenizer: Sequence", {"type", "pretokenizers"}));
  const json& steps = Field(step, "pretokenizers");
  if (!steps.is_array() || steps.size() != 2 || Field(steps[0], "type") != "Split" ||
      Field(steps[1], "type") != "ByteLevel") {
    return Refuse("pre_tokenizer: Sequence", kExpected, steps);
  }
  OPENP5_RETURN_IF_ERROR(ReadSplit(steps[0], result));
  return ReadByteLevel(steps[1], /*alone=*/false, result);
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

absl::Status ReadAddedTokens(const json& list, TokenizerJson* result) {
  if (list.is_null()) return absl::OkStatus();
  if (!list.is_array()) return Refuse("added_tokens", "a list", list);
  for (const json& entry : list) {
    OPENP5_RETURN_IF_ERROR(
        OnlyKnown(entry, "added_tokens",
                  {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
    TokenizerJson::AddedToken token;
    if (!ReadId(Field(entry, "id"), &token.id) || !Field(entry, "content").is_string() ||
        entry["content"].get_ref<const std::string&>().empty()) {
      return DataLoss("added_tokens: expected an id and a content, got ", Shown(entry));
    }
    token.content = entry["content"].get<std::string>();
    const std::string where = StrCat("added_tokens: '", OneLine(token.content), "'");
    OPENP5_RETURN_IF_ERROR(ReadBool(entry, "special", where, &token.special));
    for (const char* name : {"single_word", "lstrip", "rstrip", "normalized"}) {
      bool value = false;
      OPENP5_RETURN_IF_ERROR(ReadBool(entry, name, where, &value));
      // A normalized token is looked for in the normalized text: the same where there is none.
      if (value && (result->compose || std::string_view(name) != "normalized")) {
        return InvalidArgument(where, ": ", std::string_view(name), ": expected false, got true");
      }
    }
    result->added_tokens.push_back(std::move(token));
  }
  return absl::OkStatus();
}

absl::Status CheckModelOptions(const json& model, TokenizerJson* result) {
  OPENP5_RETURN_IF_ERROR(
      OnlyKnown(model, "model",
                {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                 "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
  for (const char* name :
       {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
    const json& value = Field(model, name);
    // Every byte has a piece, so that unk_token and fuse_unk never matter.
    if (!value.is_null() && value != "" && value != false) {
      return Refuse(StrCat("model: ", std::string_view(name)), "none", value);
    }
  }
  return ReadBool(model, "ignore_merges", "model", &result->ignore_merges);
}

absl::Status ReadMerges(const json& list, TokenizerJson* result) {
  if (!list.is_array()) return Refuse("model: merges", "a list", list);
  for (const json& merge : list) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      result->merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const size_t blank = text.find(' ');
    if (blank == std::string::npos || text.find(' ', blank + 1) != std::string::npos) {
      return Refuse("model: merges", "two pieces", merge);
    }
    result->merges.emplace_back(text.substr(0, blank), text.substr(blank + 1));
  }
  return absl::OkStatus();
}

// Ids of model and added tokens together must be 0, 1, …: none is then beyond the file's size.
absl::Status ReadVocabulary(const json& vocab, TokenizerJson* result) {
  if (!vocab.is_object()) return Refuse("model: vocab", "an object", vocab);
  std::map<int32_t, std::string> pieces;
  for (const auto& [piece, value] : vocab.items()) {
    int32_t id = 0;
    if (!ReadId(value, &id) || piece.empty() || !pieces.emplace(id, piece).second) {
      return DataLoss("model: vocab: expected an id of its own for each piece, got ", Shown(value));
    }
  }
  std::map<int32_t, std::string> all = pieces;
  for (const auto& token : result->added_tokens) {
    const auto [place, is_new] = all.emplace(token.id, token.content);
    if (!is_new && place->second != token.content) {
      return DataLoss("added_tokens: expected an id of its own, got ", token.id, " twice");
    }
  }
  const auto size = static_cast<int32_t>(all.size());
  if (size == 0 || all.rbegin()->first != size - 1) {
    return DataLoss("model: vocab: expected ids 0 to ", size - 1, ", got others");
  }
  result->pieces.resize(static_cast<size_t>(size));
  for (auto& [id, piece] : pieces) result->pieces[static_cast<size_t>(id)] = std::move(piece);
  for (const auto* ids : {&result->prefix, &result->suffix}) {
    for (const int32_t id : *ids) {
      if (id >= size) return DataLoss("post_processor: expected ids below ", size, ", got ", id);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TokenizerJson> Read(const json& file) {
  OPENP5_RETURN_IF_ERROR(
      OnlyKnown(file, "tokenizer.json",
                {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                 "post_processor", "decoder", "model"}));
  const json& model = Field(file, "model");
  // Old files do not name the model's type: a list of scored pieces is Unigram's.
  const json type = !Field(model, "type").is_null()    ? Field(model, "type")
                    : Field(model, "merges").is_null() ? json("Unigram")
                                                       : json("BPE");
  if (type != "BPE") {
    return InvalidArgument("model: expected byte-level BPE, got ", Shown(type),
                           "; hint: a SentencePiece model (spiece.model, tokenizer.model) beside "
                           "it can be read");
  }
  for (const char* step : {"truncation", "padding"}) {
    if (!Field(file, step).is_null()) return Refuse(step, "none", Field(file, step));
  }
  if (Field(Field(file, "decoder"), "type") != "ByteLevel") {
    return Refuse("decoder", "ByteLevel", Field(file, "decoder"));
  }
  TokenizerJson result;
  OPENP5_RETURN_IF_ERROR(ReadNormalizer(Field(file, "normalizer"), &result));
  OPENP5_RETURN_IF_ERROR(ReadPreTokenizer(Field(file, "pre_tokenizer"), &result));
  OPENP5_RETURN_IF_ERROR(ReadPostProcessor(Field(file, "post_processor"), &result));
  OPENP5_RETURN_IF_ERROR(ReadAddedTokens(Field(file, "added_tokens"), &result));
  OPENP5_RETURN_IF_ERROR(CheckModelOptions(model, &result));
  OPENP5_RETURN_IF_ERROR(ReadMerges(Field(model, "merges"), &result));
  OPENP5_RETURN_IF_ERROR(ReadVocabulary(Field(model, "vocab"), &result));
  return result;
}

// The deepest a tokenizer.json of these steps is; what is deeper is not built.
constexpr int kMaximumDepth = 16;

}  // namespace

absl::StatusOr<TokenizerJson> ParseTokenizerJson(const std::string& text) {
  OPENP5_ASSIGN_OR_RETURN(const json file, ParseJson(text, "", kMaximumDepth));
  return Read(file);
}

}  // namespace openp5::text

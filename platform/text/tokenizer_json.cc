#include "platform/text/tokenizer_json.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>

#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/text/byte_level_bpe.h"
#include "platform/text/character_bpe.h"
#include "platform/text/json_fields.h"
#include "platform/text/tokenizer_json_steps.h"
#include "platform/text/unigram.h"

namespace openp5::text {
namespace {

using nlohmann::json;
using Model = TokenizerJson::Model;
using Vocabulary = std::unordered_map<std::string, int32_t>;

absl::Status ReadAddedTokens(const json& list, TokenizerJson* result) {
  if (list.is_null()) return absl::OkStatus();
  if (!list.is_array()) return Refuse("added_tokens", "a list", list);
  for (const json& entry : list) {
    AddedToken token;
    OPENP5_RETURN_IF_ERROR(ReadAddedToken(entry, "added_tokens", &token));
    if (!ReadId(Field(entry, "id"), &token.id)) {
      return DataLoss("added_tokens: expected an id and a content, got ", Shown(entry));
    }
    result->added_tokens.push_back(std::move(token));
  }
  return absl::OkStatus();
}

absl::Status CheckBpeOptions(const json& model, TokenizerJson* result) {
  OPENP5_RETURN_IF_ERROR(
      OnlyKnown(model, "model",
                {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                 "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
  for (const char* name : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    const json& value = Field(model, name);
    if (!value.is_null() && value != "") {
      return Refuse(StrCat("model: ", std::string_view(name)), "none", value);
    }
  }
  OPENP5_RETURN_IF_ERROR(ReadBool(model, "byte_fallback", "model", &result->byte_fallback));
  if (result->byte_fallback && result->model == Model::kByteLevelBpe) {
    return Refuse("model: byte_fallback", "none with ByteLevel", true);
  }
  OPENP5_RETURN_IF_ERROR(ReadBool(model, "fuse_unk", "model", &result->unknown.fuse));
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

absl::Status ReadBpeVocabulary(const json& vocab, Vocabulary* ids) {
  if (!vocab.is_object()) return Refuse("model: vocab", "an object", vocab);
  std::map<int32_t, std::string_view> pieces;
  for (const auto& [piece, value] : vocab.items()) {
    int32_t id = 0;
    if (!ReadId(value, &id) || piece.empty() || !pieces.emplace(id, piece).second) {
      return DataLoss("model: vocab: expected an id of its own for each piece, got ", Shown(value));
    }
    ids->emplace(piece, id);
  }
  return absl::OkStatus();
}

// A list of pieces with their scores; a piece's place is its id.
absl::Status ReadUnigramVocabulary(const json& model, TokenizerJson* result, Vocabulary* ids) {
  OPENP5_RETURN_IF_ERROR(OnlyKnown(model, "model", {"type", "unk_id", "vocab", "byte_fallback"}));
  OPENP5_RETURN_IF_ERROR(ReadBool(model, "byte_fallback", "model", &result->byte_fallback));
  const json& vocab = Field(model, "vocab");
  if (!vocab.is_array()) return Refuse("model: vocab", "a list", vocab);
  for (const json& entry : vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      return DataLoss("model: vocab: expected pieces with scores, got ", Shown(entry));
    }
    const auto id = static_cast<int32_t>(result->scores.size());
    result->scores.push_back(entry[1].get<double>());
    if (!ids->emplace(entry[0].get<std::string>(), id).second) {
      return DataLoss("model: vocab: expected each piece once, got ", Shown(entry[0]), " twice");
    }
  }
  const json& unknown = Field(model, "unk_id");
  if (!ReadId(unknown, &result->unknown.id) || unknown >= vocab.size()) {
    return Refuse("model: unk_id", "the id of a piece", unknown);
  }
  return absl::OkStatus();
}

absl::Status ReadBpe(const json& model, TokenizerJson* result, Vocabulary* ids) {
  OPENP5_RETURN_IF_ERROR(CheckBpeOptions(model, result));
  OPENP5_RETURN_IF_ERROR(ReadMerges(Field(model, "merges"), result));
  OPENP5_RETURN_IF_ERROR(ReadBpeVocabulary(Field(model, "vocab"), ids));
  std::string unknown;
  OPENP5_RETURN_IF_ERROR(ReadString(model, "unk_token", "model", &unknown));
  if (unknown.empty()) return absl::OkStatus();
  const auto found = ids->find(unknown);
  // A token that is only added cannot be made by the model: transformers fails at such a text.
  if (found != ids->end()) result->unknown.id = found->second;
  return absl::OkStatus();
}

// Gives the added tokens the ids that tokenizers gives them: a piece's own, else the next one.
absl::Status NumberAddedTokens(const Vocabulary& vocabulary, std::vector<AddedToken>* tokens) {
  std::map<int32_t, std::string_view> pieces;
  for (const auto& [piece, id] : vocabulary) pieces.emplace(id, piece);
  Vocabulary known;
  const auto model_size = static_cast<int32_t>(vocabulary.size());
  int32_t last = -1;
  bool told = false;
  for (AddedToken& token : *tokens) {
    const auto [place, is_new] = pieces.emplace(token.id, token.content);
    if (!is_new && place->second != token.content) {
      return DataLoss("added_tokens: expected an id of its own, got ", token.id, " twice");
    }
    const auto piece = vocabulary.find(token.content);
    const auto earlier = known.find(token.content);
    const int32_t id = piece != vocabulary.end() ? piece->second
                       : earlier != known.end()  ? earlier->second
                                                 : std::max(last + 1, model_size);
    if (id != token.id && !told) {
      LogWarning(StrCat("tokenizer.json: added_tokens: '", OneLine(token.content), "' has id ", id,
                        " for transformers, which is used, not ", token.id, " as the file says"));
      told = true;
    }
    token.id = id;
    known.emplace(token.content, id);
    last = std::max(last, id);
  }
  return absl::OkStatus();
}

// Ids of model and added tokens together must be 0, 1, …: none is then beyond the file's size.
absl::Status PlacePieces(const Vocabulary& vocabulary, TokenizerJson* result) {
  std::map<int32_t, std::string> all;
  for (const auto& [piece, id] : vocabulary) all.emplace(id, piece);
  for (const AddedToken& token : result->added_tokens) {
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
  if (result->model == Model::kUnigram) result->scores.resize(static_cast<size_t>(size));
  for (const auto& [piece, id] : vocabulary) result->pieces[static_cast<size_t>(id)] = piece;
  for (const auto* ids : {&result->prefix, &result->suffix}) {
    for (const int32_t id : *ids) {
      if (id >= size) return DataLoss("post_processor: expected ids below ", size, ", got ", id);
    }
  }
  return absl::OkStatus();
}

// Old files do not name the model's type: a list of scored pieces is Unigram's.
json ModelType(const json& model) {
  if (!Field(model, "type").is_null()) return Field(model, "type");
  return Field(model, "merges").is_null() ? json("Unigram") : json("BPE");
}

absl::StatusOr<TokenizerJson> Read(const json& file) {
  OPENP5_RETURN_IF_ERROR(
      OnlyKnown(file, "tokenizer.json",
                {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                 "post_processor", "decoder", "model"}));
  const json& model = Field(file, "model");
  const json type = ModelType(model);
  if (type != "BPE" && type != "Unigram") {
    return InvalidArgument("model: expected BPE or Unigram, got ", Shown(type));
  }
  TokenizerJson result;
  bool has_byte_level = false;
  OPENP5_RETURN_IF_ERROR(ReadNormalizer(Field(file, "normalizer"), &result.normalizer));
  OPENP5_RETURN_IF_ERROR(
      ReadPreTokenizer(Field(file, "pre_tokenizer"), &result.pre_tokenizer, &has_byte_level));
  if (has_byte_level && type == "Unigram") return Refuse("pre_tokenizer", "no ByteLevel", type);
  if (!has_byte_level && Field(Field(file, "decoder"), "type") == "ByteLevel") {
    return Refuse("pre_tokenizer", "ByteLevel, as the decoder has it",
                  Field(file, "pre_tokenizer"));
  }
  result.model = has_byte_level  ? Model::kByteLevelBpe
                 : type == "BPE" ? Model::kBpe
                                 : Model::kUnigram;
  OPENP5_RETURN_IF_ERROR(ReadDecoder(Field(file, "decoder"), has_byte_level, &result));
  OPENP5_RETURN_IF_ERROR(ReadPostProcessor(Field(file, "post_processor"), &result));
  OPENP5_RETURN_IF_ERROR(ReadAddedTokens(Field(file, "added_tokens"), &result));
  Vocabulary vocabulary;
  OPENP5_RETURN_IF_ERROR(type == "BPE" ? ReadBpe(model, &result, &vocabulary)
                                       : ReadUnigramVocabulary(model, &result, &vocabulary));
  OPENP5_RETURN_IF_ERROR(NumberAddedTokens(vocabulary, &result.added_tokens));
  OPENP5_RETURN_IF_ERROR(PlacePieces(vocabulary, &result));
  return result;
}

template <class T>
absl::StatusOr<std::unique_ptr<PieceModel>> OnHeap(absl::StatusOr<T> model) {
  if (!model.ok()) return model.status();
  return std::make_unique<T>(*std::move(model));
}

// The deepest a tokenizer.json of these steps is; what is deeper is not built.
constexpr int kMaximumDepth = 16;

}  // namespace

absl::StatusOr<TokenizerJson> ParseTokenizerJson(const std::string& text) {
  OPENP5_ASSIGN_OR_RETURN(const json file, ParseJson(text, "", kMaximumDepth));
  return Read(file);
}

absl::StatusOr<std::unique_ptr<PieceModel>> MakePieceModel(const TokenizerJson& parsed) {
  if (parsed.model == Model::kUnigram) {
    return OnHeap(Unigram::Create({.pieces = parsed.pieces,
                                   .scores = parsed.scores,
                                   .unknown = parsed.unknown.id,
                                   .byte_fallback = parsed.byte_fallback}));
  }
  const BpeParts parts{.pieces = parsed.pieces,
                       .merges = parsed.merges,
                       .ignore_merges = parsed.ignore_merges,
                       .byte_fallback = parsed.byte_fallback,
                       .unknown = parsed.unknown};
  if (parsed.model == Model::kBpe) return OnHeap(CharacterBpe::Create(parts));
  return OnHeap(ByteLevelBpe::Create(parts));
}

}  // namespace openp5::text

#include "platform/text/convert_sentencepiece.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "platform/base/json.h"
#include "platform/text/unicode.h"

namespace openp5::text {
namespace {

using Json = nlohmann::json;
using Kind = SentencePieceProto::Kind;

bool IsLlama(MarkRule rule) {
  return rule == MarkRule::kLlamaEveryStretch || rule == MarkRule::kLlamaTextOnly;
}

std::string ToBase64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = i; k < i + 3; ++k) {
      bits = bits << 8 | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0);
    }
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[bits >> shift & 63];
  }
  const size_t missing = (3 - bytes.size() % 3) % 3;
  return text.replace(text.size() - missing, missing, missing, '=');
}

// SentencePiece joins the pair whose whole has the best score; a tokenizer.json lists all pairs
// that make a piece, in that order. Of one piece's pairs, and pieces of one score, the order is
// transformers'.
Json Merges(const SentencePieceProto& proto) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < proto.pieces.size(); ++id) ids.emplace(proto.pieces[id].text, id);
  struct Pair {
    std::string_view left, right;
    float score;
    size_t left_characters, right_characters;
  };
  std::vector<Pair> pairs;
  for (const auto& piece : proto.pieces) {
    const std::string_view text = piece.text;
    std::vector<std::pair<std::pair<size_t, size_t>, Pair>> own;
    size_t characters = 0, all = 0;
    for (const char c : text) all += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    for (size_t at = 1; at < text.size(); ++at) {
      if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
      ++characters;
      const auto left = ids.find(text.substr(0, at)), right = ids.find(text.substr(at));
      if (left == ids.end() || right == ids.end()) continue;
      own.push_back({{left->second, right->second},
                     {left->first, right->first, piece.score, characters, all - characters}});
    }
    std::stable_sort(own.begin(), own.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [order, pair] : own) pairs.push_back(pair);
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::tie(a.score, a.left_characters, a.right_characters) >
           std::tie(b.score, b.left_characters, b.right_characters);
  });
  Json merges = Json::array();
  for (const Pair& pair : pairs)
    merges.push_back({std::string(pair.left), std::string(pair.right)});
  return merges;
}

Json Model(const SentencePieceModel& model) {
  const SentencePieceProto& proto = model.proto();
  if (proto.is_unigram) {
    Json vocab = Json::array();
    for (const auto& piece : proto.pieces) {
      vocab.push_back({piece.text, static_cast<double>(piece.score)});
    }
    return {{"type", "Unigram"},
            {"unk_id", model.unk_id()},
            {"vocab", std::move(vocab)},
            {"byte_fallback", proto.byte_fallback}};
  }
  Json vocab = Json::object();
  for (size_t id = 0; id < proto.pieces.size(); ++id) vocab[proto.pieces[id].text] = id;
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", model.Piece(model.unk_id())},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", true},
          {"byte_fallback", proto.byte_fallback},
          {"ignore_merges", false},
          {"vocab", std::move(vocab)},
          {"merges", Merges(proto)}};
}

Json Normalizer(const SentencePieceProto& proto, MarkRule rule) {
  const std::string mark(kWordMark);
  Json steps = Json::array();
  if (!proto.character_map.empty()) {
    steps.push_back(
        {{"type", "Precompiled"}, {"precompiled_charsmap", ToBase64(proto.character_map)}});
  }
  if (rule == MarkRule::kT5TextOnly) {
    steps.push_back({{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}});
    steps.push_back({{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", mark}});
  }
  if (rule == MarkRule::kLlamaEveryStretch) {
    if (proto.adds_leading_mark) steps.push_back({{"type", "Prepend"}, {"prepend", mark}});
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}});
  }
  if (steps.empty()) return nullptr;
  if (steps.size() == 1) return steps[0];
  return {{"type", "Sequence"}, {"normalizers", std::move(steps)}};
}

Json Metaspace(const char* scheme, bool split) {
  return {{"type", "Metaspace"},
          {"replacement", std::string(kWordMark)},
          {"prepend_scheme", scheme},
          {"split", split}};
}

Json PreTokenizer(const SentencePieceProto& proto, MarkRule rule) {
  const auto scheme = [&proto](const char* name) {
    return proto.adds_leading_mark ? name : "never";
  };
  switch (rule) {
    case MarkRule::kT5EveryStretch:
      return {{"type", "Sequence"},
              {"pretokenizers",
               Json::array({{{"type", "WhitespaceSplit"}}, Metaspace(scheme("always"), true)})}};
    case MarkRule::kT5TextOnly:
      return Metaspace(scheme("first"), true);
    case MarkRule::kLlamaTextOnly:
      return Metaspace(scheme("first"), false);
    case MarkRule::kLlamaEveryStretch:
      break;  // its normalizer puts the marks
  }
  return nullptr;
}

Json Decoder(const SentencePieceProto& proto, MarkRule rule) {
  if (!IsLlama(rule))
    return Metaspace(rule == MarkRule::kT5EveryStretch ? "always" : "first", true);
  Json steps = Json::array(
      {{{"type", "Replace"}, {"pattern", {{"String", std::string(kWordMark)}}}, {"content", " "}},
       {{"type", "ByteFallback"}},
       {{"type", "Fuse"}}});
  if (proto.adds_leading_mark) {
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  return {{"type", "Sequence"}, {"decoders", std::move(steps)}};
}

Json PostProcessor(const SentencePieceModel& model, const ConversionOptions& options) {
  Json single = Json::array(), pair = Json::array(), tokens = Json::object();
  const auto add = [&](const std::vector<int32_t>& ids, int type, Json* list) {
    for (const int32_t id : ids) {
      const std::string& piece = model.Piece(id);
      list->push_back({{"SpecialToken", {{"id", piece}, {"type_id", type}}}});
      tokens[piece] = {{"id", piece}, {"ids", Json::array({id})}, {"tokens", Json::array({piece})}};
    }
  };
  const auto add_text = [&](const char* name, int type, Json* list) {
    add(options.prefix, type, list);
    list->push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
    add(options.suffix, type, list);
  };
  add_text("A", 0, &single);
  add_text("A", 0, &pair);
  add_text("B", IsLlama(options.marks) ? 1 : 0, &pair);
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(tokens)}};
}

// The model's own tokens that are found in a text before anything else, then the added ones.
std::vector<AddedToken> AllAddedTokens(const SentencePieceModel& model,
                                       const ConversionOptions& options) {
  std::vector<AddedToken> tokens;
  const auto& pieces = model.proto().pieces;
  for (size_t id = 0; id < pieces.size(); ++id) {
    const Kind kind = pieces[id].kind;
    if (kind != Kind::kUnknown && kind != Kind::kControl && kind != Kind::kUserDefined) continue;
    tokens.push_back({.id = static_cast<int32_t>(id),
                      .content = pieces[id].text,
                      .special = kind != Kind::kUserDefined});
  }
  auto next = static_cast<int32_t>(pieces.size());
  for (const AddedToken& token : options.added_tokens) {
    for (; next < token.id; ++next) {
      tokens.push_back({.id = next, .content = StrCat("<|no_token_", next, "|>"), .special = true});
    }
    tokens.push_back(token);
    // By default each stretch is normalized by itself, as in the slow tokenizers of these models.
    tokens.back().normalized = options.finds_normalized_tokens && !token.special;
    next = std::max(next, token.id + 1);
  }
  return tokens;
}

}  // namespace

absl::StatusOr<std::string> ConvertSentencePiece(const SentencePieceModel& model,
                                                 const ConversionOptions& options) {
  const SentencePieceProto& proto = model.proto();
  if (!proto.is_bpe && !proto.is_unigram) {
    return InvalidArgument("expected a SentencePiece model of kind BPE or Unigram, got another");
  }
  const bool drops_blanks = proto.removes_extra_blanks;
  if (IsLlama(options.marks) ? !proto.character_map.empty() || drops_blanks : !drops_blanks) {
    return InvalidArgument("expected a SentencePiece model that ",
                           IsLlama(options.marks) ? "keeps blanks and characters as they are"
                                                  : "drops blanks that are too many",
                           ", got another");
  }
  Json added = Json::array();
  for (const AddedToken& token : AllAddedTokens(model, options)) {
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", token.single_word},
                     {"lstrip", token.lstrip},
                     {"rstrip", token.rstrip},
                     {"normalized", token.normalized},
                     {"special", token.special}});
  }
  const Json file = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", std::move(added)},
                     {"normalizer", Normalizer(proto, options.marks)},
                     {"pre_tokenizer", PreTokenizer(proto, options.marks)},
                     {"post_processor", PostProcessor(model, options)},
                     {"decoder", Decoder(proto, options.marks)},
                     {"model", Model(model)}};
  return DumpJson(file) + "\n";
}

}  // namespace openp5::text

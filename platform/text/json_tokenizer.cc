#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/base/utf8.h"
#include "platform/text/added_token_cutter.h"
#include "platform/text/byte_level_bpe.h"
#include "platform/text/character_bpe.h"
#include "platform/text/sentencepiece_tokenizer.h"
#include "platform/text/tokenizer_families.h"
#include "platform/text/tokenizer_json.h"

namespace openp5::text {
namespace {

using nlohmann::json;

// Ids of the special tokens; -1 where there is none.
struct SpecialIds {
  int32_t pad = -1, eos = -1, bos = -1, unk = -1;
};

// What a tokenizer.json describes: the text is cut at added tokens, what is between them is
// normalized and cut into words, and each word into pieces.
class JsonTokenizer final : public Tokenizer {
 public:
  JsonTokenizer(JsonTokenizerParts parts, TokenizerJson parsed, std::unique_ptr<PieceModel> model,
                SpecialIds special)
      : parts_(std::move(parts)),
        parsed_(std::move(parsed)),
        model_(std::move(model)),
        special_(special),
        is_byte_level_(parsed_.model == TokenizerJson::Model::kByteLevelBpe) {
    for (const AddedToken& token : parsed_.added_tokens) Register(token);
    for (const int32_t id : {special.pad, special.eos, special.bos, special.unk}) {
      special_tokens_.insert(id);
    }
  }

  std::string_view family() const override {
    return is_byte_level_ ? kByteLevelFamily : kJsonFamily;
  }

  std::vector<int32_t> Encode(std::string_view text) const override {
    const std::string well_formed = WellFormedUtf8(text);
    std::vector<int32_t> ids = parsed_.prefix;
    cutter_.Cut(well_formed, [&](const AddedTokenCutter::Part& part) {
      if (part.id >= 0) {
        ids.push_back(part.id);
      } else {
        EncodeStretch(part.stretch, part.begins_text, &ids);
      }
    });
    ids.insert(ids.end(), parsed_.suffix.begin(), parsed_.suffix.end());
    return ids;
  }

  std::string Decode(std::span<const int32_t> ids) const override { return Join(ids, false); }
  std::string DecodeWithSpecialTokens(std::span<const int32_t> ids) const override {
    return Join(ids, true);
  }

  bool StartsWord(int32_t id) const override {
    static const std::string space = ByteCharacter(' ');
    return id >= 0 && id < base_vocabulary_size() && !contents_.contains(id) &&
           parsed_.pieces[static_cast<size_t>(id)].starts_with(is_byte_level_ ? space : kWordMark);
  }
  int32_t vocabulary_size() const override {
    return base_vocabulary_size() + static_cast<int32_t>(added_tokens_.size());
  }
  int32_t base_vocabulary_size() const override {
    return static_cast<int32_t>(parsed_.pieces.size());
  }
  int32_t pad_id() const override { return special_.pad; }
  int32_t eos_id() const override { return special_.eos; }
  int32_t bos_id() const override { return special_.bos; }
  int32_t unk_id() const override { return special_.unk; }

  std::string Piece(int32_t id) const override {
    if (id < 0 || id >= vocabulary_size()) return "";
    const auto found = contents_.find(id);
    return found != contents_.end() ? found->second : parsed_.pieces[static_cast<size_t>(id)];
  }
  int32_t Find(std::string_view token) const override {
    const auto found = ids_.find(std::string(token));
    return found == ids_.end() ? -1 : found->second;
  }

  absl::Status AddTokens(const std::vector<std::string>& tokens) override {
    std::unordered_set<std::string> known(parsed_.pieces.begin(), parsed_.pieces.end());
    for (const auto& [id, content] : contents_) known.insert(content);
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto wrong = [&](std::string_view what) {
        return InvalidArgument("added tokens: token ", i + 1, ": '", tokens[i], "' ", what);
      };
      if (tokens[i].empty()) return wrong("is empty");
      if (tokens[i].find_first_of("\r\n") != std::string::npos) return wrong("holds a line break");
      if (!known.insert(tokens[i]).second) return wrong("is a token already");
    }
    for (const std::string& token : tokens) {
      const int32_t id = vocabulary_size();
      added_tokens_.push_back(token);
      Register({.id = id, .content = token});
    }
    return absl::OkStatus();
  }
  const std::vector<std::string>& added_tokens() const override { return added_tokens_; }

  std::vector<AddedToken> AllAddedTokens() const override {
    std::vector<AddedToken> tokens = parsed_.added_tokens;
    for (size_t i = 0; i < added_tokens_.size(); ++i) {
      const int32_t id = base_vocabulary_size() + static_cast<int32_t>(i);
      tokens.push_back({.id = id, .content = added_tokens_[i]});
    }
    std::stable_sort(tokens.begin(), tokens.end(),
                     [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
    return tokens;
  }

  std::vector<TokenizerFile> Files() const override {
    json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
    const std::pair<const char*, int32_t> named[] = {{"pad_token", special_.pad},
                                                     {"eos_token", special_.eos},
                                                     {"bos_token", special_.bos},
                                                     {"unk_token", special_.unk}};
    for (const auto& [name, id] : named) {
      if (id >= 0) config[name] = Piece(id);
    }
    if (!parts_.files.added_tokens.empty()) {
      config["added_tokens_decoder"] = AddedTokensDecoder(parts_.files.added_tokens);
    }
    std::vector<TokenizerFile> files = {{kTokenizerJsonFile, parts_.file},
                                        {kTokenizerConfigFile, DumpJson(config, 2) + "\n"}};
    AppendAddedTokens(added_tokens_, &files);
    return files;
  }

 private:
  void Register(const AddedToken& token) {
    contents_[token.id] = token.content;
    ids_[token.content] = token.id;
    if (token.special) special_tokens_.insert(token.id);
    if (!token.normalized || parsed_.normalizer.empty()) return cutter_.Add(token);
    AddedToken normalized = token;
    normalized.content = parsed_.normalizer.Normalize(token.content);
    if (!normalized.content.empty()) normalized_cutter_.Add(std::move(normalized));
  }

  void EncodeStretch(std::string_view stretch, bool begins_text, std::vector<int32_t>* ids) const {
    const std::string normalized =
        parsed_.normalizer.empty() ? std::string() : parsed_.normalizer.Normalize(stretch);
    if (!parsed_.normalizer.empty()) stretch = normalized;
    const auto encode = [&](const PreTokenizer::Word& word) { model_->Encode(word.text, ids); };
    if (normalized_cutter_.empty()) {
      return parsed_.pre_tokenizer.Split({stretch, begins_text}, encode);
    }
    normalized_cutter_.Cut(stretch, [&](const AddedTokenCutter::Part& part) {
      if (part.id >= 0) return ids->push_back(part.id);
      parsed_.pre_tokenizer.Split({part.stretch, begins_text && part.begins_text}, encode);
    });
  }

  // The text of a piece of the model; bytes are gathered in `bytes` until a character follows.
  void AppendPiece(const std::string& piece, std::string* bytes, std::string* text) const {
    const int32_t byte = parsed_.byte_fallback ? PieceByte(piece) : -1;
    if (is_byte_level_) {
      *bytes += PieceBytes(piece);
    } else if (byte >= 0) {
      bytes->push_back(static_cast<char>(byte));
    } else {
      *text += WellFormedUtf8(std::exchange(*bytes, ""));
      AppendWithoutMarks(piece, text);
    }
  }

  // Pieces as text, added tokens as they are; bytes that are no character give U+FFFD.
  std::string Join(std::span<const int32_t> ids, bool with_special_tokens) const {
    std::string text, bytes;
    for (const int32_t id : ids) {
      if (!with_special_tokens && special_tokens_.contains(id)) continue;
      if (!contents_.contains(id)) {
        AppendPiece(Piece(id), &bytes, &text);
      } else if (is_byte_level_) {
        bytes += Piece(id);
      } else {
        text += WellFormedUtf8(std::exchange(bytes, "")) + Piece(id);
      }
    }
    text += WellFormedUtf8(bytes);
    return parsed_.drops_leading_space ? DropLeadingBlank(std::move(text)) : text;
  }

  const JsonTokenizerParts parts_;
  const TokenizerJson parsed_;
  const std::unique_ptr<PieceModel> model_;
  const SpecialIds special_;
  const bool is_byte_level_;
  AddedTokenCutter cutter_, normalized_cutter_;
  std::unordered_map<int32_t, std::string> contents_;  // of added tokens, the file's and later ones
  std::unordered_map<std::string, int32_t> ids_;       // of the same
  std::unordered_set<int32_t> special_tokens_;
  std::vector<std::string> added_tokens_;
};

int32_t FindToken(const TokenizerJson& parsed, const std::string& content) {
  for (const AddedToken& token : parsed.added_tokens) {
    if (token.content == content) return token.id;
  }
  const auto piece = std::find(parsed.pieces.begin(), parsed.pieces.end(), content);
  return content.empty() || piece == parsed.pieces.end()
             ? -1
             : static_cast<int32_t>(piece - parsed.pieces.begin());
}

absl::StatusOr<SpecialIds> FindSpecialIds(const FolderFiles& files, const TokenizerJson& parsed) {
  if (!files.eos.has_value()) {
    return DataLoss(kTokenizerConfigFile, ": expected an eos_token, got none");
  }
  const auto find = [&parsed](const std::optional<std::string>& name) {
    return name.has_value() ? FindToken(parsed, *name) : -1;
  };
  SpecialIds ids = {find(files.pad), find(files.eos), find(files.bos), find(files.unk)};
  if (ids.eos < 0) {
    return DataLoss(kTokenizerConfigFile,
                    ": eos_token: expected a token of tokenizer.json, got another");
  }
  // These models are trained without padding; what stands there is never looked at.
  if (ids.pad < 0) ids.pad = ids.eos;
  return ids;
}

// Tokens that only the small files have come behind those of the tokenizer.json, as transformers
// adds them; what is left in `files` is those.
void AddFolderTokens(FolderFiles* files, TokenizerJson* parsed) {
  std::unordered_set<std::string> known;
  for (const AddedToken& token : parsed->added_tokens) known.insert(token.content);
  std::erase_if(files->added_tokens,
                [&](const AddedToken& token) { return known.contains(token.content); });
  std::unordered_map<std::string, int32_t> pieces;
  for (size_t id = 0; id < parsed->pieces.size() && !files->added_tokens.empty(); ++id) {
    if (!parsed->pieces[id].empty()) pieces.emplace(parsed->pieces[id], static_cast<int32_t>(id));
  }
  for (AddedToken& token : files->added_tokens) {
    const auto [piece, is_new] =
        pieces.emplace(token.content, static_cast<int32_t>(parsed->pieces.size()));
    token.id = piece->second;
    if (is_new) {
      parsed->pieces.emplace_back();
      parsed->scores.push_back(0);
    }
    parsed->added_tokens.push_back(token);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> MakeJsonTokenizer(JsonTokenizerParts parts) {
  OPENP5_ASSIGN_OR_RETURN(TokenizerJson parsed, ParseTokenizerJson(parts.file));
  AddFolderTokens(&parts.files, &parsed);
  OPENP5_ASSIGN_OR_RETURN(const SpecialIds special, FindSpecialIds(parts.files, parsed));
  OPENP5_ASSIGN_OR_RETURN(auto model, MakePieceModel(parsed));
  return std::make_unique<JsonTokenizer>(std::move(parts), std::move(parsed), std::move(model),
                                         special);
}

}  // namespace openp5::text

#include "platform/text/sentencepiece_tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "platform/base/json.h"
#include "platform/base/log.h"
#include "platform/base/utf8.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {

absl::Status DropPieces(const SentencePieceModel& model, std::vector<AddedToken>* tokens) {
  for (const AddedToken& token : *tokens) {
    if (token.id >= model.size() || model.Piece(token.id) == token.content) continue;
    return DataLoss("added tokens: expected an id of its own for '", OneLine(token.content),
                    "', got ", token.id, ", which the model has for '",
                    OneLine(model.Piece(token.id)), "'");
  }
  std::erase_if(*tokens, [&](const AddedToken& token) { return token.id < model.size(); });
  return absl::OkStatus();
}

void AppendWithoutMarks(std::string_view piece, std::string* text) {
  for (size_t mark = piece.find(kWordMark); mark != std::string_view::npos;
       mark = piece.find(kWordMark)) {
    text->append(piece.substr(0, mark)).append(" ");
    piece.remove_prefix(mark + kWordMark.size());
  }
  text->append(piece);
}

std::string DropLeadingBlank(std::string text) {
  if (text.starts_with(' ')) text.erase(0, 1);
  return text;
}

SentencePieceTokenizer::SentencePieceTokenizer(Parts parts)
    : model_(std::move(parts.model)),
      file_name_(std::move(parts.file_name)),
      base_size_(model_->size()),
      pad_id_(model_->pad_id() >= 0 ? model_->pad_id() : model_->unk_id()) {
  for (AddedToken& token : parts.tokens) {
    base_size_ = std::max(base_size_, token.id + 1);
    token_ids_.emplace(token.content, token.id);
    const int32_t id = token.id;
    folder_tokens_.emplace(id, std::move(token));
  }
}

bool SentencePieceTokenizer::StartsWord(int32_t id) const {
  return id >= 0 && id < model_->size() && model_->Piece(id).starts_with(kWordMark);
}

int32_t SentencePieceTokenizer::vocabulary_size() const {
  return base_size_ + static_cast<int32_t>(added_tokens_.size());
}

std::string SentencePieceTokenizer::Piece(int32_t id) const {
  if (id < 0 || id >= vocabulary_size()) return "";
  if (id < model_->size()) return model_->Piece(id);
  if (id < base_size_) {
    const auto found = folder_tokens_.find(id);
    return found == folder_tokens_.end() ? "" : found->second.content;
  }
  return added_tokens_[id - base_size_];
}

bool SentencePieceTokenizer::IsSpecial(int32_t id) const {
  if (id >= model_->size()) {
    const auto found = folder_tokens_.find(id);
    return found != folder_tokens_.end() && found->second.special;
  }
  return id >= 0 && (id == model_->pad_id() || id == model_->bos_id() || id == model_->eos_id() ||
                     id == model_->unk_id());
}

bool SentencePieceTokenizer::IsAdded(int32_t id) const {
  return id >= model_->size() && id < vocabulary_size() && !IsSpecial(id);
}

int32_t SentencePieceTokenizer::Find(std::string_view token) const {
  const auto found = token_ids_.find(std::string(token));
  if (found != token_ids_.end()) return found->second;
  const int32_t piece = model_->Find(token);
  if (piece < 0) return -1;
  using Kind = SentencePieceProto::Kind;
  const Kind kind = model_->proto().pieces[static_cast<size_t>(piece)].kind;
  return kind == Kind::kUserDefined ? piece : -1;
}

absl::Status SentencePieceTokenizer::AddTokens(const std::vector<std::string>& tokens) {
  std::unordered_set<std::string_view> known;
  for (const auto& [token, id] : token_ids_) known.insert(token);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto wrong = [&](std::string_view what) {
      return InvalidArgument("added tokens: token ", i + 1, ": '", tokens[i], "' ", what);
    };
    if (tokens[i].empty()) return wrong("is empty");
    if (tokens[i].find_first_of("\r\n") != std::string::npos) return wrong("holds a line break");
    if (model_->Find(tokens[i]) >= 0) return wrong("is a piece of the model already");
    if (!known.insert(tokens[i]).second) return wrong("is a token already");
  }
  for (const std::string& token : tokens) {
    added_tokens_.push_back(token);
    token_ids_.emplace(token, vocabulary_size() - 1);
    OnTokenAdded(token, vocabulary_size() - 1);
  }
  return absl::OkStatus();
}

std::vector<AddedToken> SentencePieceTokenizer::AllAddedTokens() const {
  std::vector<AddedToken> tokens;
  for (const auto& [id, token] : folder_tokens_) tokens.push_back(token);
  for (size_t i = 0; i < added_tokens_.size(); ++i) {
    tokens.push_back({.id = base_size_ + static_cast<int32_t>(i), .content = added_tokens_[i]});
  }
  return tokens;
}

std::vector<TokenizerFile> SentencePieceTokenizer::Files() const {
  std::vector<TokenizerFile> files = {{file_name_, std::string(model_->bytes())}};
  if (std::string config = ConfigFile(); !config.empty()) {
    files.push_back({kTokenizerConfigFile, std::move(config)});
  }
  AppendAddedTokens(added_tokens_, &files);
  return files;
}

std::string SentencePieceTokenizer::FolderTokensConfig() const {
  if (folder_tokens_.empty()) return "";
  std::vector<AddedToken> tokens;
  for (const auto& [id, token] : folder_tokens_) tokens.push_back(token);
  const nlohmann::json config = {{"added_tokens_decoder", AddedTokensDecoder(tokens)}};
  return DumpJson(config, 2) + "\n";
}

std::string SentencePieceTokenizer::Join(std::span<const int32_t> ids,
                                         bool with_special_tokens) const {
  std::string text, bytes;
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocabulary_size()) continue;
    const bool special = IsSpecial(id);
    if (special && !with_special_tokens) continue;
    const int32_t byte = id < model_->size() ? model_->Byte(id) : -1;
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
      continue;
    }
    text += WellFormedUtf8(std::exchange(bytes, ""));
    if (id < model_->size() && !special) {
      AppendWithoutMarks(model_->Piece(id), &text);
    } else {
      text += Piece(id);
    }
  }
  text += WellFormedUtf8(bytes);
  return text;
}

}  // namespace openp5::text

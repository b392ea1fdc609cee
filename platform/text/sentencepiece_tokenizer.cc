#include "platform/text/sentencepiece_tokenizer.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "platform/base/utf8.h"
#include "platform/text/tokenizer_families.h"

namespace openp5::text {
namespace {

void AppendPiece(std::string_view piece, std::string* text) {
  for (size_t mark = piece.find(kWordMark); mark != std::string_view::npos;
       mark = piece.find(kWordMark)) {
    text->append(piece.substr(0, mark)).append(" ");
    piece.remove_prefix(mark + kWordMark.size());
  }
  text->append(piece);
}

}  // namespace

std::string DropLeadingBlank(std::string text) {
  if (text.starts_with(' ')) text.erase(0, 1);
  return text;
}

SentencePieceTokenizer::SentencePieceTokenizer(std::unique_ptr<SentencePieceModel> model,
                                               std::vector<std::string> sentinels,
                                               std::string file_name)
    : model_(std::move(model)),
      sentinels_(std::move(sentinels)),
      file_name_(std::move(file_name)),
      base_size_(model_->size() + static_cast<int32_t>(sentinels_.size())),
      pad_id_(model_->pad_id() >= 0 ? model_->pad_id() : model_->unk_id()) {}

bool SentencePieceTokenizer::StartsWord(int32_t id) const {
  return id >= 0 && id < model_->size() && model_->Piece(id).starts_with(kWordMark);
}

int32_t SentencePieceTokenizer::vocabulary_size() const {
  return base_size_ + static_cast<int32_t>(added_tokens_.size());
}

std::string SentencePieceTokenizer::Piece(int32_t id) const {
  if (id < 0 || id >= vocabulary_size()) return "";
  if (id < model_->size()) return model_->Piece(id);
  if (id < base_size_) return sentinels_[id - model_->size()];
  return added_tokens_[id - base_size_];
}

bool SentencePieceTokenizer::IsSpecial(int32_t id) const {
  if (id >= model_->size()) return id < base_size_;
  return id >= 0 && (id == model_->pad_id() || id == model_->bos_id() || id == model_->eos_id() ||
                     id == model_->unk_id());
}

absl::Status SentencePieceTokenizer::AddTokens(const std::vector<std::string>& tokens) {
  std::unordered_set<std::string_view> known(added_tokens_.begin(), added_tokens_.end());
  known.insert(sentinels_.begin(), sentinels_.end());
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
    OnTokenAdded(token, vocabulary_size() - 1);
  }
  return absl::OkStatus();
}

std::vector<TokenizerFile> SentencePieceTokenizer::Files() const {
  std::vector<TokenizerFile> files = {{file_name_, std::string(model_->bytes())}};
  if (std::string config = ConfigFile(); !config.empty()) {
    files.push_back({kTokenizerConfigFile, std::move(config)});
  }
  AppendAddedTokens(added_tokens_, &files);
  return files;
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
      AppendPiece(model_->Piece(id), &text);
    } else {
      text += Piece(id);
    }
  }
  text += WellFormedUtf8(bytes);
  return text;
}

}  // namespace openp5::text

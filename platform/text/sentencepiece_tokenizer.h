#ifndef OPENP5_PLATFORM_TEXT_SENTENCEPIECE_TOKENIZER_H_
#define OPENP5_PLATFORM_TEXT_SENTENCEPIECE_TOKENIZER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/added_token.h"
#include "platform/text/sentencepiece_model.h"
#include "platform/text/tokenizer.h"

namespace openp5::text {

// What all families share: the pieces of a SentencePiece model, the tokens of its folder (sentinels
// and those that were added before it was saved), tokens added now behind those, and writing it all
// to a folder. Families add how a text is cut. Private to this unit. Thread-safe for const calls.
class SentencePieceTokenizer : public Tokenizer {
 public:
  // What a family's constructor passes on.
  struct Parts {
    std::unique_ptr<SentencePieceModel> model = {};
    std::vector<AddedToken> tokens = {};  // the folder's; their ids may leave gaps
    std::string file_name = {};           // the model's in a saved folder
  };

  bool StartsWord(int32_t id) const final;
  int32_t vocabulary_size() const final;
  int32_t base_vocabulary_size() const final { return base_size_; }
  int32_t pad_id() const final { return pad_id_; }
  int32_t eos_id() const final { return model_->eos_id(); }
  int32_t bos_id() const final { return model_->bos_id(); }
  int32_t unk_id() const final { return model_->unk_id(); }
  std::string Piece(int32_t id) const final;
  int32_t Find(std::string_view token) const final;
  absl::Status AddTokens(const std::vector<std::string>& tokens) final;
  const std::vector<std::string>& added_tokens() const final { return added_tokens_; }
  std::vector<AddedToken> AllAddedTokens() const final;
  std::vector<TokenizerFile> Files() const final;

 protected:
  explicit SentencePieceTokenizer(Parts parts);

  // Called for every token added, so that the family can cut texts there.
  virtual void OnTokenAdded(const std::string& token, int32_t id) = 0;
  // The content of the `tokenizer_config.json` that the family needs beside the model; "" for none.
  virtual std::string ConfigFile() const { return FolderTokensConfig(); }
  // One that lists the folder's tokens, "" if there are none.
  std::string FolderTokensConfig() const;

  const SentencePieceModel& model() const { return *model_; }
  const std::map<int32_t, AddedToken>& folder_tokens() const { return folder_tokens_; }
  bool IsSpecial(int32_t id) const;
  bool IsAdded(int32_t id) const;

  // Pieces side by side, U+2581 as a blank, bytes gathered to characters (U+FFFD for a byte that
  // belongs to none), added tokens as they are. Nothing is cut off.
  std::string Join(std::span<const int32_t> ids, bool with_special_tokens) const;

 private:
  std::unique_ptr<SentencePieceModel> model_;
  std::map<int32_t, AddedToken> folder_tokens_;         // beyond the model's pieces
  std::unordered_map<std::string, int32_t> token_ids_;  // of all that are no pieces
  std::string file_name_;
  int32_t base_size_, pad_id_;
  std::vector<std::string> added_tokens_;
};

// Leaves out the tokens that are pieces of `model` with the same id, as `</s>` is. DataLoss if one
// has the id of another piece.
absl::Status DropPieces(const SentencePieceModel& model, std::vector<AddedToken>* tokens);

// Appends `piece` with a blank for each U+2581.
void AppendWithoutMarks(std::string_view piece, std::string* text);

// `text` without the one blank that the word mark before a text leaves.
std::string DropLeadingBlank(std::string text);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_SENTENCEPIECE_TOKENIZER_H_

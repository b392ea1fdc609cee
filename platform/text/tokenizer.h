#ifndef OPENP5_PLATFORM_TEXT_TOKENIZER_H_
#define OPENP5_PLATFORM_TEXT_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/added_token.h"

namespace openp5::text {

// A file of a saved tokenizer.
struct TokenizerFile {
  std::string name, content;
};

// Text to token ids and back, with tokens added after training. Thread-safe for const calls.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // "t5"; "llama-legacy", "llama" and "llama-fast", which are those of transformers 4.31; and, from
  // a tokenizer.json, "byte-level-bpe" and "tokenizer-json".
  virtual std::string_view family() const = 0;

  // Ids of `text` with the special tokens the family puts around it (T5: `</s>` at the end).
  // `text` must be UTF-8; invalid bytes become U+FFFD as in SentencePiece.
  virtual std::vector<int32_t> Encode(std::string_view text) const = 0;

  // Text of `ids` without special tokens (pad, begin, end, unknown, sentinels). No clean-up of
  // blanks before punctuation (see CleanUpBlanks). Ids out of range give nothing.
  virtual std::string Decode(std::span<const int32_t> ids) const = 0;
  // The same with the special tokens written out. By default what Decode gives.
  virtual std::string DecodeWithSpecialTokens(std::span<const int32_t> ids) const {
    return Decode(ids);
  }

  // True if the piece of `id` begins a word (starts with U+2581). False for added tokens.
  virtual bool StartsWord(int32_t id) const = 0;

  // One more than the largest id: pieces, sentinels, added tokens. What an embedding needs.
  virtual int32_t vocabulary_size() const = 0;
  // The size before any token was added (T5's published model: 32100).
  virtual int32_t base_vocabulary_size() const = 0;
  virtual int32_t pad_id() const = 0;
  virtual int32_t eos_id() const = 0;
  // -1 where the family has none (T5 has no begin token).
  virtual int32_t bos_id() const { return -1; }
  virtual int32_t unk_id() const { return -1; }

  // The piece of `id`, "" if out of range.
  virtual std::string Piece(int32_t id) const = 0;

  // The id of an added token: one of added_tokens(), or one that the files had already. -1 if it is
  // none.
  virtual int32_t Find(std::string_view token) const;

  // Gives each token of `tokens` the next id, in order. InvalidArgument if one is empty, repeated,
  // a piece already, or holds a line feed (it could not be saved); then none is added.
  virtual absl::Status AddTokens(const std::vector<std::string>& tokens) = 0;
  virtual const std::vector<std::string>& added_tokens() const = 0;

  // Every token that the model does not make by itself, the files' and the later ones, by id. Those
  // of the model's own kinds of special pieces may be left out.
  virtual std::vector<AddedToken> AllAddedTokens() const { return {}; }

  // The files from which OpenTokenizer makes an equal tokenizer: the SentencePiece model as it was
  // read (`spiece.model` for T5, else `tokenizer.model`), or `tokenizer.json`, which comes first;
  // what its folder needs besides; and `added_tokens.txt` (a token a line, by id) if there are any.
  virtual std::vector<TokenizerFile> Files() const = 0;
  // Writes them into `folder`, which is made if absent.
  absl::Status Save(const std::string& folder) const;
  // SHA-256, hexadecimal, of the family and the files: equal digests mean equal ids of any text.
  std::string Digest() const;
};

// Cuts `ids` to at most `max` (0 or less: no limit). If the last one is `eos`, the last one kept
// is.
void Truncate(int64_t max, int32_t eos, std::vector<int32_t>* ids);

// The tokens of a text file, one a line. NotFound if there is none; InvalidArgument naming the line
// for an empty one.
absl::StatusOr<std::vector<std::string>> ReadTokenList(const std::string& path);

// The names of all families.
std::vector<std::string> TokenizerFamilies();

// Reads `path`: a SentencePiece model file (`spiece.model`, `tokenizer.model`); a `tokenizer.json`
// (byte-level BPE, or a SentencePiece model in that form; a `tokenizer_config.json` beside it names
// the special tokens); or a folder that holds one of these, and perhaps what transformers or Save
// wrote beside it. In a folder a `tokenizer.json` goes before a SentencePiece model, as in
// transformers, unless `family` asks for the model; one with a step that is not known is refused by
// its name, or, if there is a model beside it, passed over with a warning.
//
// Tokens that were added before a folder was saved keep the ids it says: see FolderFiles for the
// files and which one counts where they disagree.
//
// `family`: see Tokenizer::family. Empty: that of the tokenizer.json; "t5" for T5's SentencePiece
// models; and for Llama's, which begin a text with a token, "tokenizer-json", made of the model as
// transformers 4.34 and later do it: by `legacy` of the folder's tokenizer_config.json, true where
// that file does not say, false where there is none. The class that the folder names tells which
// model it is, else its special pieces.
//
// NotFound if there is no such file, DataLoss if it is no SentencePiece model, InvalidArgument for
// an unknown family (the known ones are listed) or a model without the special pieces the family
// needs.
//
// T5's published vocabulary is 32000 pieces and 100 sentinels that are in no file:
// `<extra_id_0>` = 32099 … `<extra_id_99>` = 32000. A model gets sentinels behind its pieces by
// this rule: as many as "extra_ids" of a `tokenizer_config.json` in the same folder says (only
// looked for where `path` is a folder; Hugging Face's name for it); without one, 100 for a model of
// exactly 32000 pieces that has no piece `<extra_id_0>`; else none. TrainTokenizer makes no model
// of 32000 pieces, so its models never get any.
absl::StatusOr<std::unique_ptr<Tokenizer>> OpenTokenizer(const std::string& path,
                                                         std::string_view family = "");

// True if `path` is a folder with a file OpenTokenizer reads.
bool HoldsTokenizer(const std::string& path);

struct TrainTokenizerOptions {
  int64_t vocabulary_size = 4000;  // pieces wanted at most; fewer if the text does not hold as many
  std::string model_type = "unigram";  // "unigram" or "bpe"
  bool split_digits = false;           // every digit a piece of its own, so no number is one piece
  // A piece may hold letters, digits and signs together, so that a frequent word like `item_1034`
  // is one piece. Not together with split_digits.
  bool whole_words = false;
  int64_t seed = 0;  // of SentencePiece's own random choices
};

// Trains a T5-style SentencePiece model (pad 0, eos 1, unk 2, no bos; every character of the text
// has a piece) on `sentences` and writes it to `path` (`spiece.model`), whole or not at all;
// its folder is made if absent. InvalidArgument if there is no text, if an option is out of range,
// or if there are more characters than pieces wanted. Deterministic: the same bytes on every
// machine. Not to be called from two threads at once: SentencePiece's trainer keeps a global random
// seed.
absl::Status TrainTokenizer(const std::vector<std::string>& sentences,
                            const TrainTokenizerOptions& options, const std::string& path);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKENIZER_H_

#ifndef OPENP5_PLATFORM_TEXT_TOKENIZER_H_
#define OPENP5_PLATFORM_TEXT_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"

namespace openp5::text {

// Text to token ids and back, with tokens added after training. Thread-safe for const calls.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // "t5", "llama-legacy", "llama", "llama-fast".
  virtual std::string_view family() const = 0;

  // Ids of `text` with the special tokens the family puts around it (T5: `</s>` at the end).
  // `text` must be UTF-8; invalid bytes become U+FFFD as in SentencePiece.
  virtual std::vector<int32_t> Encode(std::string_view text) const = 0;

  // Text of `ids` without special tokens. No clean-up of blanks before punctuation.
  virtual std::string Decode(std::span<const int32_t> ids) const = 0;

  // True if the piece of `id` begins a word (starts with U+2581). False for added tokens.
  virtual bool StartsWord(int32_t id) const = 0;

  // One more than the largest id: pieces, sentinels, added tokens. What an embedding needs.
  virtual int32_t vocabulary_size() const = 0;
  // The size before any token was added (T5's published model: 32100).
  virtual int32_t base_vocabulary_size() const = 0;
  virtual int32_t pad_id() const = 0;
  virtual int32_t eos_id() const = 0;

  // The piece of `id`, "" if out of range.
  virtual std::string Piece(int32_t id) const = 0;

  // Gives each token of `tokens` the next id, in order. InvalidArgument if one is empty, repeated,
  // or a piece already.
  virtual absl::Status AddTokens(const std::vector<std::string>& tokens) = 0;
  virtual const std::vector<std::string>& added_tokens() const = 0;

  // Writes the files from which OpenTokenizer makes an equal tokenizer: the SentencePiece model as
  // it was read, and `added_tokens.txt` (one token a line, in id order) if there are any.
  virtual absl::Status Save(const std::string& folder) const = 0;
};

// Reads `path`: a SentencePiece model file (`spiece.model`, `tokenizer.model`), or a folder that
// holds one and perhaps `added_tokens.txt`. `family`: see Tokenizer::family; empty: "t5".
// NotFound if there is no such file, DataLoss if it is no SentencePiece model, InvalidArgument for
// an unknown family (the known ones are listed).
absl::StatusOr<std::unique_ptr<Tokenizer>> OpenTokenizer(const std::string& path,
                                                         std::string_view family = "");

struct TrainTokenizerOptions {
  int64_t vocabulary_size = 4000;  // pieces wanted at most; fewer if the text does not hold as many
  std::string model_type = "unigram";  // "unigram" or "bpe"
  int64_t seed = 0;
};

// Trains a T5-style SentencePiece model (pad 0, eos 1, unk 2, no bos) on `sentences` and writes it
// to `path` (`spiece.model`). InvalidArgument if there is no text. Deterministic.
absl::Status TrainTokenizer(const std::vector<std::string>& sentences,
                            const TrainTokenizerOptions& options, const std::string& path);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKENIZER_H_

#ifndef OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_H_
#define OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/added_token.h"
#include "platform/text/piece_model.h"
#include "platform/text/pre_tokenizer.h"
#include "platform/text/text_normalizer.h"

namespace openp5::text {

// The tokenizer that a tokenizer.json of Hugging Face's tokenizers describes: byte-level BPE, or a
// SentencePiece model (BPE or Unigram) in this form.
struct TokenizerJson {
  enum class Model { kByteLevelBpe, kBpe, kUnigram } model = Model::kByteLevelBpe;
  std::vector<std::string> pieces;  // of the model, by id; "" where an id is only an added token's
  std::vector<double> scores;       // of the pieces; only Unigram's
  std::vector<std::pair<std::string, std::string>> merges;
  bool ignore_merges = false;
  bool byte_fallback = false;
  UnknownRule unknown;
  std::vector<AddedToken> added_tokens;  // in the file's order
  TextNormalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::vector<int32_t> prefix, suffix;  // what the post-processor puts around a text
  bool drops_leading_space = false;     // from a decoded text
};

// Reads the text of such a file. A step or setting that is not known, or that changes ids in a way
// that is not, is refused by its name (InvalidArgument `normalizer: expected …, got Nmt`); nothing
// is approximated. Truncation and padding are passed over: transformers switches them off unless a
// call asks for them. An added token that is no piece gets the next free id, as there; where the
// file says another one, a warning says so. DataLoss for a malformed file, or ids that are not
// 0, 1, …, n - 1.
absl::StatusOr<TokenizerJson> ParseTokenizerJson(const std::string& text);

// What cuts words. DataLoss if the merges do not fit the pieces, or scores are not finite.
absl::StatusOr<std::unique_ptr<PieceModel>> MakePieceModel(const TokenizerJson& parsed);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_H_

#ifndef OPENP5_PLATFORM_TEXT_CONVERT_SENTENCEPIECE_H_
#define OPENP5_PLATFORM_TEXT_CONVERT_SENTENCEPIECE_H_

#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/added_token.h"
#include "platform/text/sentencepiece_model.h"

namespace openp5::text {

// How texts are cut around the pieces of a SentencePiece model; transformers calls the first of
// each pair `legacy`.
enum class MarkRule {
  kT5EveryStretch,     // every word begins with a word mark, the one after an added token too
  kT5TextOnly,         // none is put after an added token
  kLlamaEveryStretch,  // the same two for Llama, whose blanks are kept
  kLlamaTextOnly,
};

struct ConversionOptions {
  MarkRule marks = MarkRule::kT5EveryStretch;
  std::vector<AddedToken> added_tokens = {};      // by id, beyond the model's pieces
  std::vector<int32_t> prefix = {}, suffix = {};  // ids around every text
  // Added tokens are looked for in the normalized text, which has a mark in front, like themselves:
  // transformers' fast tokenizer for Llama by default.
  bool finds_normalized_tokens = false;
};

// A tokenizer.json of the same pieces and ids. An id between two added tokens that no token has
// gets a placeholder, since such a file numbers its tokens without gaps. InvalidArgument for a
// model that has no such form: neither BPE nor Unigram, or one that Llama's rules do not fit (it
// drops blanks or changes characters).
absl::StatusOr<std::string> ConvertSentencePiece(const SentencePieceModel& model,
                                                 const ConversionOptions& options);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_CONVERT_SENTENCEPIECE_H_

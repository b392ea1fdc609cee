#ifndef OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_H_
#define OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/status.h"

namespace openp5::text {

// The byte-level BPE that a tokenizer.json of Hugging Face's tokenizers describes.
struct TokenizerJson {
  std::vector<std::string> pieces;  // of the model, by id; "" where an id is only an added token's
  std::vector<std::pair<std::string, std::string>> merges;
  bool ignore_merges = false;
  struct AddedToken {
    int32_t id = 0;
    std::string content;
    bool special = false;
  };
  std::vector<AddedToken> added_tokens;  // found anywhere in a text, before anything else
  bool compose = false;                  // text between added tokens is brought to NFC first
  std::string pattern;                   // words are cut by; empty: GPT-2's
  bool add_prefix_space = false;         // before a text that does not begin with one
  std::vector<int32_t> prefix, suffix;   // what the post-processor puts around a text
};

// Reads the text of such a file. A step or setting that is not known, or that changes ids in a way
// that is not, is refused by its name (InvalidArgument `normalizer: expected none, got NFKC`);
// nothing is approximated. DataLoss for a malformed file, or ids that are not 0, 1, …, n - 1.
absl::StatusOr<TokenizerJson> ParseTokenizerJson(const std::string& text);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_H_

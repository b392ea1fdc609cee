#ifndef OPENP5_PLATFORM_TEXT_TRANSFORMERS_FILES_H_
#define OPENP5_PLATFORM_TEXT_TRANSFORMERS_FILES_H_

#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/text/tokenizer.h"

namespace openp5::text {

// Writes the tokenizer for Hugging Face's transformers (4.34 and later, and 5): a tokenizer.json
// with every added token, a tokenizer_config.json that names the class, the special tokens and the
// added ones with their ids, and the SentencePiece model where there is one. AutoTokenizer, slow or
// fast, then gives the same ids; where it cannot, `notes` gets a sentence that says so.
absl::Status SaveForTransformers(const Tokenizer& tokenizer, const std::string& folder,
                                 std::vector<std::string>* notes);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TRANSFORMERS_FILES_H_

#ifndef OPENP5_PLATFORM_TEXT_TRANSFORMERS_FILES_H_
#define OPENP5_PLATFORM_TEXT_TRANSFORMERS_FILES_H_

#include <string>

#include "platform/base/status.h"
#include "platform/text/tokenizer.h"

namespace openp5::text {

// Tokenizer::Save, and a tokenizer_config.json that tells Hugging Face's transformers the class,
// the special tokens and the added ones with their ids, so that its AutoTokenizer gives the same
// ids.
absl::Status SaveForTransformers(const Tokenizer& tokenizer, const std::string& folder);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TRANSFORMERS_FILES_H_

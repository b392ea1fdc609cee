#ifndef OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_STEPS_H_
#define OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_STEPS_H_

#include <nlohmann/json.hpp>

#include "platform/base/status.h"
#include "platform/text/tokenizer_json.h"

namespace openp5::text {

// The steps of a tokenizer.json around its model. Each reader refuses what it does not know by its
// name (InvalidArgument) and leaves the rest of `result` alone. Private to this unit.
absl::Status ReadNormalizer(const nlohmann::json& step, TextNormalizer* result);

// `has_byte_level`: words are bytes, which pieces spell as printable characters.
absl::Status ReadPreTokenizer(const nlohmann::json& step, PreTokenizer* result,
                              bool* has_byte_level);

// Sets the prefix and the suffix.
absl::Status ReadPostProcessor(const nlohmann::json& step, TokenizerJson* result);

// Decoding follows from the model; what a decoder says is only checked.
absl::Status ReadDecoder(const nlohmann::json& step, bool has_byte_level, TokenizerJson* result);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TOKENIZER_JSON_STEPS_H_

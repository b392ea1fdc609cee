#ifndef OPENP5_PLATFORM_PROMPTING_ENCODED_TEXT_H_
#define OPENP5_PLATFORM_PROMPTING_ENCODED_TEXT_H_

#include <c10/core/Device.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "platform/models/common/packed_batch.h"
#include "platform/text/tokenizer.h"
#include "platform/text/whole_word.h"

namespace openp5::prompting {

// A text as a model reads it. Empty `whole_words`: none are given.
struct EncodedText {
  std::vector<int32_t> tokens;
  std::vector<int64_t> whole_words;  // of the same length
};

// Tokens of each text, cut to `max_tokens` with the end token kept last (0 or less: not cut), and
// their whole-word ids as those of one batch under `rule`.
std::vector<EncodedText> EncodeBatch(const text::Tokenizer& tokenizer,
                                     std::span<const std::string> texts, int64_t max_tokens,
                                     text::EndTokenRule rule);

// Tensors on `device` for the texts in that order. At least one text; none may be empty.
models::PackedBatch Pack(std::span<const EncodedText* const> texts,
                         c10::Device device = c10::Device(c10::kCPU));

}  // namespace openp5::prompting

#endif  // OPENP5_PLATFORM_PROMPTING_ENCODED_TEXT_H_

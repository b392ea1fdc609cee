#ifndef OPENP5_PLATFORM_TEXT_NUMBER_TOKENS_H_
#define OPENP5_PLATFORM_TEXT_NUMBER_TOKENS_H_

#include <cstdint>
#include <vector>

#include "platform/text/tokenizer.h"

namespace openp5::text {

enum class NumberTokenRule {
  kMeant,   // without special tokens and the lone word mark, whatever their ids are
  kOpenP5,  // without ids 1 and 3, which are those for T5 only: with Llama the lone word mark stays
};

// The tokens numbers are written with, ascending: all ids in the encodings of "0" … "29999" but the
// ones `rule` leaves out. OpenP5's random initialization draws their embeddings anew, so that a
// pretrained model's knowledge of numbers (years, prices) does not leak into item identifiers.
std::vector<int32_t> NumberTokenIds(const Tokenizer& tokenizer,
                                    NumberTokenRule rule = NumberTokenRule::kMeant);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_NUMBER_TOKENS_H_

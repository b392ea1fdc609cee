#ifndef OPENP5_PLATFORM_TEXT_WHOLE_WORD_H_
#define OPENP5_PLATFORM_TEXT_WHOLE_WORD_H_

#include <cstdint>
#include <span>
#include <vector>

#include "platform/text/tokenizer.h"

namespace openp5::text {

// Which word each token belongs to: the number of tokens so far that begin a word (P5, Geng et al.
// 2022, section 3.2). A pad token has 0 and starts the count again. The last token is not special
// here: see WholeWordIdsOfBatch.
std::vector<int64_t> WholeWordIds(const Tokenizer& tokenizer, std::span<const int32_t> ids);

// Which tokens get id 0 for being the end of a text.
enum class EndTokenRule {
  kEveryRow,    // the last token of each row, so that a row's ids do not depend on its batch
  kLastColumn,  // OpenP5: the last column of the padded batch, so only rows as long as the longest;
                // in a shorter row the end token keeps the id of the last word
};

// WholeWordIds of every row of a batch (rows are not padded), after `rule`.
std::vector<std::vector<int64_t>> WholeWordIdsOfBatch(const Tokenizer& tokenizer,
                                                      std::span<const std::vector<int32_t>> rows,
                                                      EndTokenRule rule);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_WHOLE_WORD_H_

#include "platform/text/number_tokens.h"

#include <set>
#include <string>

#include "platform/text/sentencepiece_model.h"

namespace openp5::text {

std::vector<int32_t> NumberTokenIds(const Tokenizer& tokenizer, NumberTokenRule rule) {
  constexpr int kNumbers = 30000;
  std::set<int32_t> ids;
  for (int number = 0; number < kNumbers; ++number) {
    const std::vector<int32_t> some = tokenizer.Encode(std::to_string(number));
    ids.insert(some.begin(), some.end());
  }
  if (rule == NumberTokenRule::kOpenP5) {
    ids.erase(1);
    ids.erase(3);
  } else {
    for (const int32_t id :
         {tokenizer.pad_id(), tokenizer.bos_id(), tokenizer.eos_id(), tokenizer.unk_id()}) {
      ids.erase(id);
    }
    std::erase_if(ids, [&](int32_t id) { return tokenizer.Piece(id) == kWordMark; });
  }
  return {ids.begin(), ids.end()};
}

}  // namespace openp5::text

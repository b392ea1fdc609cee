#ifndef OPENP5_PLATFORM_TEXT_ADDED_TOKEN_CUTTER_H_
#define OPENP5_PLATFORM_TEXT_ADDED_TOKEN_CUTTER_H_

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "platform/text/added_token.h"
#include "platform/text/token_cutter.h"

namespace openp5::text {

// Cuts a text at added tokens as Hugging Face's tokenizers does: the leftmost first, of several at
// one place the longest; blanks and word borders as the token wants them. Thread-safe for const
// calls.
class AddedTokenCutter {
 public:
  // `token.content` must not be empty. A token given twice counts as it was given last.
  void Add(AddedToken token);
  bool empty() const { return tokens_.empty(); }

  // A part of the text: a stretch without tokens, which is never empty, or a token's id.
  struct Part {
    std::string_view stretch = {};
    int32_t id = -1;
    bool begins_text = false;
  };
  // Calls `on_part` with each part of `text` (well-formed UTF-8), in order.
  void Cut(std::string_view text, const std::function<void(const Part&)>& on_part) const;

 private:
  TokenCutter cutter_;  // its ids are places in tokens_
  std::vector<AddedToken> tokens_;
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_ADDED_TOKEN_CUTTER_H_

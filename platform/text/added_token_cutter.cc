#include "platform/text/added_token_cutter.h"

#include <algorithm>
#include <utility>

#include "platform/text/unicode.h"

namespace openp5::text {
namespace {

bool IsInsideWord(std::string_view text, size_t begin, size_t end) {
  const bool left = begin > 0 && IsWord(LastCharacter(text.substr(0, begin)).code);
  const bool right = end < text.size() && IsWord(FirstCharacter(text.substr(end)).code);
  return left || right;
}

}  // namespace

void AddedTokenCutter::Add(AddedToken token) {
  cutter_.Add(token.content, static_cast<int32_t>(tokens_.size()));
  tokens_.push_back(std::move(token));
}

void AddedTokenCutter::Cut(std::string_view text,
                           const std::function<void(const Part&)>& on_part) const {
  size_t done = 0, search = 0;
  while (true) {
    const TokenCutter::Match match = cutter_.Next(text, search);
    if (match.id < 0) break;
    const AddedToken& token = tokens_[static_cast<size_t>(match.id)];
    size_t begin = match.begin, end = match.begin + match.length;
    search = end;
    if (token.single_word && IsInsideWord(text, begin, end)) continue;
    if (token.lstrip) begin -= TrailingBlanks(text.substr(0, begin));
    if (token.rstrip) end += LeadingBlanks(text.substr(end));
    begin = std::max(begin, done);
    if (begin > done) {
      on_part({.stretch = text.substr(done, begin - done), .begins_text = done == 0});
    }
    on_part({.id = token.id});
    done = end;
  }
  if (done < text.size()) on_part({.stretch = text.substr(done), .begins_text = done == 0});
}

}  // namespace openp5::text

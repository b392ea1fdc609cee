#include "platform/text/token_cutter.h"

#include <algorithm>
#include <utility>

namespace openp5::text {

void TokenCutter::Add(std::string token, int32_t id) {
  first_bytes_.set(static_cast<unsigned char>(token.front()));
  const auto place =
      std::lower_bound(lengths_.begin(), lengths_.end(), token.size(), std::greater<>());
  if (place == lengths_.end() || *place != token.size()) lengths_.insert(place, token.size());
  ids_[std::move(token)] = id;
}

TokenCutter::Match TokenCutter::Next(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!first_bytes_.test(static_cast<unsigned char>(text[begin]))) continue;
    for (const size_t length : lengths_) {
      if (length > text.size() - begin) continue;
      const auto found = ids_.find(text.substr(begin, length));
      if (found != ids_.end()) return {begin, length, found->second};
    }
  }
  return {};
}

void TokenCutter::Cut(std::string_view text, const std::function<void(std::string_view)>& on_text,
                      const std::function<void(int32_t)>& on_token) const {
  size_t from = 0;
  for (Match match = Next(text, 0); match.id >= 0; match = Next(text, from)) {
    if (match.begin > from) on_text(text.substr(from, match.begin - from));
    on_token(match.id);
    from = match.begin + match.length;
  }
  if (from < text.size()) on_text(text.substr(from));
}

TokenCutter MakeCutter(const std::vector<std::string>& tokens) {
  TokenCutter cutter;
  for (const std::string& token : tokens) {
    if (!token.empty()) cutter.Add(token, 0);
  }
  return cutter;
}

std::vector<std::string> CutOut(const TokenCutter& cutter, std::string_view text) {
  std::vector<std::string> stretches;
  cutter.Cut(
      text, [&](std::string_view stretch) { stretches.emplace_back(stretch); }, [](int32_t) {});
  return stretches;
}

}  // namespace openp5::text

#include "platform/text/clean_up.h"

#include <string_view>
#include <utility>

namespace openp5::text {

std::string CleanUpBlanks(std::string text) {
  // In this order: an earlier replacement can make or break a later one's pattern.
  constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kReplacements) {
    std::string result;
    size_t begin = 0;
    for (size_t found = text.find(from); found != std::string::npos;
         found = text.find(from, begin)) {
      result.append(text, begin, found - begin).append(to);
      begin = found + from.size();
    }
    result.append(text, begin);
    text = std::move(result);
  }
  return text;
}

}  // namespace openp5::text

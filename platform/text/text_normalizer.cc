#include "platform/text/text_normalizer.h"

#include <algorithm>

#include "platform/text/unicode.h"

namespace openp5::text {

TextNormalizer::Step PrependStep(std::string prefix) {
  return [prefix = std::move(prefix)](std::string_view text) {
    return text.empty() ? std::string() : prefix + std::string(text);
  };
}

TextNormalizer::Step ReplaceStep(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](std::string_view text) {
    std::string result;
    for (size_t found = text.find(from); found != std::string_view::npos; found = text.find(from)) {
      result.append(text.substr(0, found)).append(to);
      text.remove_prefix(found + from.size());
    }
    return result.append(text);
  };
}

TextNormalizer::Step ReplaceSpacesStep(std::string to) {
  return [to = std::move(to)](std::string_view text) {
    std::string result;
    while (!text.empty()) {
      const size_t spaces = std::min(text.find_first_not_of(' '), text.size());
      result.append(spaces >= 2 ? std::string_view(to) : text.substr(0, spaces));
      text.remove_prefix(spaces);
      const size_t others = std::min(text.find(' '), text.size());
      result.append(text.substr(0, others));
      text.remove_prefix(others);
    }
    return result;
  };
}

TextNormalizer::Step StripStep(bool left, bool right) {
  return [left, right](std::string_view text) {
    if (left) text.remove_prefix(LeadingBlanks(text));
    if (right) text.remove_suffix(TrailingBlanks(text));
    return std::string(text);
  };
}

}  // namespace openp5::text

#ifndef OPENP5_PLATFORM_TEXT_TEXT_NORMALIZER_H_
#define OPENP5_PLATFORM_TEXT_TEXT_NORMALIZER_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace openp5::text {

// Rewrites a text before it is cut into words: the steps of a tokenizer.json's normalizer, one
// after the other. Thread-safe for const calls.
class TextNormalizer {
 public:
  // Takes and gives well-formed UTF-8.
  using Step = std::function<std::string(std::string_view)>;

  void Add(Step step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }
  size_t size() const { return steps_.size(); }
  std::string Normalize(std::string_view text) const {
    std::string result(text);
    for (const Step& step : steps_) result = step(result);
    return result;
  }

 private:
  std::vector<Step> steps_;
};

// `prefix` before a text that is not empty.
TextNormalizer::Step PrependStep(std::string prefix);
// Every `from` (not empty) becomes `to`.
TextNormalizer::Step ReplaceStep(std::string from, std::string to);
// Every run of two or more spaces becomes `to`.
TextNormalizer::Step ReplaceSpacesStep(std::string to);
// Without the blanks at the start, or the end.
TextNormalizer::Step StripStep(bool left, bool right);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_TEXT_NORMALIZER_H_

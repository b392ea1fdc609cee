#ifndef OPENP5_PLATFORM_TEXT_WORD_SPLITTER_H_
#define OPENP5_PLATFORM_TEXT_WORD_SPLITTER_H_

#include <functional>
#include <memory>
#include <string_view>

#include "platform/base/status.h"

namespace openp5::text {

// Finds what byte-pair encoding sees as words, by one of the published patterns. Immutable,
// thread-safe.
class WordSplitter {
 public:
  static std::string_view Qwen2Pattern();
  // GPT-2's pattern, which a pre-tokenizer of type ByteLevel has built in.
  static absl::StatusOr<WordSplitter> Gpt2();
  // `pattern` as it stands in a tokenizer.json. InvalidArgument for one that is not of a published
  // model: what is a letter or a blank differs between regular-expression engines, so only patterns
  // whose result was compared are taken.
  static absl::StatusOr<WordSplitter> Create(std::string_view pattern);

  // Calls `on_match` with where each match in `text` (well-formed UTF-8) begins and ends, in order.
  void FindAll(std::string_view text,
               const std::function<void(size_t begin, size_t end)>& on_match) const;

 private:
  explicit WordSplitter(std::shared_ptr<const void> code) : code_(std::move(code)) {}
  std::shared_ptr<const void> code_;
};

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_WORD_SPLITTER_H_

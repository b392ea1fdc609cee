#ifndef OPENP5_PLATFORM_TEXT_PRE_TOKENIZER_H_
#define OPENP5_PLATFORM_TEXT_PRE_TOKENIZER_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/text/word_splitter.h"

namespace openp5::text {

// Cuts a stretch of text between added tokens into words: the steps of a tokenizer.json's
// pre-tokenizer, each applied to what the one before it gives. Thread-safe for const calls.
class PreTokenizer {
 public:
  // A word so far. `begins_text`: it begins where the whole text does.
  struct Word {
    std::string_view text;
    bool begins_text = false;
  };
  using Sink = std::function<void(const Word&)>;
  // Calls the sink with the words that a word, which is not empty, is cut into.
  using Step = std::function<void(const Word&, const Sink&)>;

  void Add(Step step) { steps_.push_back(std::move(step)); }
  // Words are well-formed UTF-8 and never empty.
  void Split(const Word& stretch, const Sink& on_word) const { Run(0, stretch, on_word); }

 private:
  void Run(size_t step, const Word& word, const Sink& on_word) const {
    if (word.text.empty()) return;
    if (step == steps_.size()) return on_word(word);
    steps_[step](word, [&](const Word& part) { Run(step + 1, part, on_word); });
  }
  std::vector<Step> steps_;
};

// Each match is a word, and what lies between two of them.
PreTokenizer::Step SplitStep(WordSplitter splitter);
// Numbers are words: each digit one of its own, or a row of them together.
PreTokenizer::Step DigitsStep(bool individual);
// At blanks, which are left out.
PreTokenizer::Step BlanksStep();
// A space before a word that does not begin with one.
PreTokenizer::Step LeadingSpaceStep();

// SentencePiece's way: spaces become `mark`, one is put in front, and words begin at marks.
struct MarkOptions {
  std::string mark;
  enum class Leading { kAlways, kTextOnly, kNever } leading = Leading::kAlways;
  bool split = true;
};
PreTokenizer::Step MarkStep(MarkOptions options);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_PRE_TOKENIZER_H_

#include "platform/text/pre_tokenizer.h"

#include <algorithm>

#include "platform/text/text_normalizer.h"
#include "platform/text/unicode.h"

namespace openp5::text {
namespace {

using Word = PreTokenizer::Word;
using Sink = PreTokenizer::Sink;

// Bytes [begin, end) of a word.
Word Part(const Word& word, size_t begin, size_t end) {
  return {word.text.substr(begin, end - begin), word.begins_text && begin == 0};
}

// Bytes from `begin` on whose characters all have, or all lack, the property.
size_t RunEnd(std::string_view text, size_t begin, bool (*property)(int32_t), bool wanted) {
  size_t end = begin;
  while (end < text.size()) {
    const Character next = FirstCharacter(text.substr(end));
    if (property(next.code) != wanted) break;
    end += next.length;
  }
  return end;
}

}  // namespace

PreTokenizer::Step SplitStep(WordSplitter splitter) {
  return [splitter = std::move(splitter)](const Word& word, const Sink& sink) {
    size_t done = 0;
    splitter.FindAll(word.text, [&](size_t begin, size_t end) {
      if (begin > done) sink(Part(word, done, begin));
      sink(Part(word, begin, end));
      done = end;
    });
    if (done < word.text.size()) sink(Part(word, done, word.text.size()));
  };
}

PreTokenizer::Step DigitsStep(bool individual) {
  return [individual](const Word& word, const Sink& sink) {
    for (size_t begin = 0; begin < word.text.size();) {
      const Character first = FirstCharacter(word.text.substr(begin));
      const bool numeric = IsNumeric(first.code);
      const size_t end = numeric && individual ? begin + first.length
                                               : RunEnd(word.text, begin, IsNumeric, numeric);
      sink(Part(word, begin, end));
      begin = end;
    }
  };
}

PreTokenizer::Step BlanksStep() {
  return [](const Word& word, const Sink& sink) {
    for (size_t begin = 0; begin < word.text.size();) {
      begin = RunEnd(word.text, begin, IsBlank, true);
      const size_t end = RunEnd(word.text, begin, IsBlank, false);
      if (end > begin) sink(Part(word, begin, end));
      begin = end;
    }
  };
}

PreTokenizer::Step LeadingSpaceStep() {
  return [](const Word& word, const Sink& sink) {
    if (word.text.starts_with(' ')) return sink(word);
    sink({" " + std::string(word.text), word.begins_text});
  };
}

PreTokenizer::Step MarkStep(MarkOptions options) {
  auto replace = ReplaceStep(" ", options.mark);
  return [replace = std::move(replace), options = std::move(options)](const Word& word,
                                                                      const Sink& sink) {
    using Leading = MarkOptions::Leading;
    std::string text = replace(word.text);
    const bool wants_mark = options.leading == Leading::kAlways ||
                            (options.leading == Leading::kTextOnly && word.begins_text);
    if (wants_mark && !text.starts_with(options.mark)) text.insert(0, options.mark);
    const Word marked = {text, word.begins_text};
    if (!options.split) return sink(marked);
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(options.mark, begin + 1), text.size());
      sink(Part(marked, begin, end));
      begin = end;
    }
  };
}

}  // namespace openp5::text

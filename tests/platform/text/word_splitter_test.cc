#include "platform/text/word_splitter.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "platform/base/file.h"
#include "platform/text/pre_tokenizer.h"
#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using nlohmann::json;
using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

// Made-up strings and where Hugging Face's tokenizers cuts them (fixtures/record_splits.py).
TEST(WordSplitterTest, PublishedPatternsCutAsRecorded) {
  std::istringstream lines(
      ReadFile(std::string(OPENP5_SOURCE_DIR) + "/tests/platform/text/fixtures/splits.jsonl")
          .value());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  // In the order of the file.
  const auto models = nlohmann::ordered_json::parse(line);
  std::vector<std::pair<std::string, PreTokenizer>> splitters;
  for (const auto& [model, patterns] : models.items()) {
    PreTokenizer splitter;
    for (const auto& pattern : patterns) {
      OPENP5_ASSERT_OK_AND_ASSIGN(WordSplitter step,
                                  WordSplitter::Create(pattern.get<std::string>()));
      splitter.Add(SplitStep(std::move(step)));
    }
    splitters.emplace_back(model, std::move(splitter));
  }
  EXPECT_EQ(splitters.size(), 9u);
  int compared = 0;
  for (; std::getline(lines, line); ++compared) {
    const json recorded = json::parse(line);
    const auto text = recorded["text"].get<std::string>();
    for (size_t i = 0; i < splitters.size(); ++i) {
      std::vector<size_t> lengths;
      std::string joined;
      splitters[i].second.Split({text, true}, [&](const PreTokenizer::Word& word) {
        lengths.push_back(word.text.size());
        joined += word.text;
      });
      EXPECT_EQ(lengths, recorded["pieces"][i].get<std::vector<size_t>>())
          << splitters[i].first << ": " << line;
      EXPECT_EQ(joined, text);
    }
  }
  EXPECT_EQ(compared, 300);
}

// PCRE2 gives up after ten million steps, which was taken for a bug of ours.
TEST(WordSplitterTest, ARowOfManyBlanksIsCut) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const WordSplitter splitter,
      WordSplitter::Create(
          R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"));
  constexpr size_t kBlanks = 11'000'000;
  std::vector<size_t> ends;
  splitter.FindAll(std::string(kBlanks, ' ') + "x",
                   [&](size_t, size_t end) { ends.push_back(end); });
  EXPECT_EQ(ends, std::vector<size_t>({kBlanks - 1, kBlanks + 1}));
}

TEST(WordSplitterTest, OtherPatternsAreRefused) {
  EXPECT_THAT(WordSplitter::Create(R"(\p{L}+)"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("Qwen 3.5, Tekken or DeepSeek, got '\\p{L}+'")));
}

}  // namespace
}  // namespace openp5::text

#include <string>
#include <vector>

#include "platform/base/file.h"
#include "platform/text/sentencepiece_model.h"
#include "platform/text/tokenizer.h"
#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;

std::vector<std::string> Sentences() {
  std::vector<std::string> sentences;
  for (int i = 0; i < 200; ++i) {
    sentences.push_back(StrCat("What would user_", i, " buy after item_", 2000 + i % 40, " ?"));
  }
  return sentences;
}

std::string Train(const TrainTokenizerOptions& options) {
  const TemporaryFolder folder;
  OPENP5_EXPECT_OK(TrainTokenizer(Sentences(), options, folder.File("spiece.model")));
  auto bytes = ReadFile(folder.File("spiece.model"));
  EXPECT_THAT(bytes, testing::IsOk());
  return bytes.ok() ? *bytes : "";
}

TEST(TrainTokenizerTest, SameTextSameBytes) {
  for (const char* type : {"unigram", "bpe"}) {
    const TrainTokenizerOptions options = {.vocabulary_size = 120, .model_type = type};
    EXPECT_EQ(Train(options), Train(options)) << type;
  }
}

TEST(TrainTokenizerTest, GivesFewerPiecesThanWantedIfTheTextHoldsNoMore) {
  for (const char* type : {"unigram", "bpe"}) {
    std::string error;
    const auto model =
        SentencePieceModel::Parse(Train({.vocabulary_size = 30000, .model_type = type}), &error);
    ASSERT_NE(model, nullptr) << error;
    EXPECT_GT(model->size(), 30) << type;
    EXPECT_LT(model->size(), 5000) << type;
  }
}

TEST(TrainTokenizerTest, SplitDigitsMakesEveryDigitAPiece) {
  const auto has_number = [](bool split) {
    std::string error;
    const auto model =
        SentencePieceModel::Parse(Train({.vocabulary_size = 200, .split_digits = split}), &error);
    EXPECT_NE(model, nullptr) << error;
    int numbers = 0;
    for (int32_t id = 0; id < model->size(); ++id) {
      const std::string& piece = model->Piece(id);
      size_t digits = 0;
      for (const char c : piece) digits += c >= '0' && c <= '9' ? 1 : 0;
      numbers += digits > 1 ? 1 : 0;
    }
    return numbers > 0;
  };
  EXPECT_TRUE(has_number(false));
  EXPECT_FALSE(has_number(true));
}

TEST(TrainTokenizerTest, RefusesWhatCannotBeTrainedOn) {
  const TemporaryFolder folder;
  const std::string path = folder.File("spiece.model");
  const auto fails = [&](const std::vector<std::string>& sentences,
                         const TrainTokenizerOptions& options, const std::string& message) {
    EXPECT_THAT(TrainTokenizer(sentences, options, path),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
    EXPECT_FALSE(FileExists(path));
  };
  fails({}, {}, "expected text, got 0 sentences");
  fails({"", " "}, {}, "expected text, got 2 sentences");
  fails(Sentences(), {.vocabulary_size = 3}, "vocabulary size: expected 4 to");
  fails(Sentences(), {.model_type = "word"}, "model type: expected unigram or bpe, got 'word'");
  fails(Sentences(), {.vocabulary_size = 10}, "with 10 pieces: ");
}

TEST(TrainTokenizerTest, WholeWordsMakeAnItemOnePiece) {
  std::vector<std::string> sentences;
  for (int i = 0; i < 40; ++i) {
    sentences.push_back(StrCat("user_", i % 5, " item_", 1001 + i % 4, " item_", 1002 + i % 4));
  }
  const TemporaryFolder folder;
  const std::string path = folder.File("spiece.model");
  OPENP5_ASSERT_OK(TrainTokenizer(
      sentences, {.vocabulary_size = 300, .model_type = "bpe", .whole_words = true}, path));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(path));
  EXPECT_EQ(tokenizer->Encode("user_3 item_1002").size(), 3u);  // two words and the end token
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode("user_3 item_1002")), "user_3 item_1002");
}

TEST(TrainTokenizerTest, RefusesWholeWordsOfSplitDigits) {
  EXPECT_THAT(
      TrainTokenizer({"item_1"}, {.split_digits = true, .whole_words = true}, "unused"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("split digits or whole words")));
}

}  // namespace
}  // namespace openp5::text

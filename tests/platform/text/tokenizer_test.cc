#include "platform/text/tokenizer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "platform/base/file.h"
#include "platform/text/clean_up.h"
#include "platform/text/number_tokens.h"
#include "platform/text/sentencepiece_model.h"
#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;

std::vector<std::string> Sentences() {
  std::vector<std::string> sentences;
  for (int i = 0; i < 300; ++i) {
    sentences.push_back(StrCat("user_", i, " has bought items item_", 1000 + i * 7, " , item_",
                               1000 + i * 11, " , what is the next item ?"));
  }
  return sentences;
}

class TokenizerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder();
    OPENP5_ASSERT_OK(
        TrainTokenizer(Sentences(), {.vocabulary_size = 200}, folder_->File("spiece.model")));
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string ModelFile() { return folder_->File("spiece.model"); }
  static std::unique_ptr<Tokenizer> OpenModel() {
    auto tokenizer = OpenTokenizer(ModelFile());
    EXPECT_THAT(tokenizer, testing::IsOk());
    return *std::move(tokenizer);
  }

  static inline TemporaryFolder* folder_ = nullptr;
};

TEST_F(TokenizerTest, TrainedModelHasT5sSpecialIdsAndNoSentinels) {
  const auto tokenizer = OpenModel();
  EXPECT_EQ(tokenizer->family(), "t5");
  EXPECT_EQ(tokenizer->pad_id(), 0);
  EXPECT_EQ(tokenizer->eos_id(), 1);
  EXPECT_EQ(tokenizer->unk_id(), 2);
  EXPECT_EQ(tokenizer->bos_id(), -1);
  EXPECT_EQ(tokenizer->Piece(0), "<pad>");
  EXPECT_EQ(tokenizer->Piece(1), "</s>");
  EXPECT_EQ(tokenizer->Piece(2), "<unk>");
  EXPECT_EQ(tokenizer->Piece(-1), "");
  EXPECT_EQ(tokenizer->Piece(tokenizer->vocabulary_size()), "");
  EXPECT_LE(tokenizer->vocabulary_size(), 200);
  EXPECT_EQ(tokenizer->base_vocabulary_size(), tokenizer->vocabulary_size());
}

TEST_F(TokenizerTest, EncodesAndDecodes) {
  const auto tokenizer = OpenModel();
  for (const std::string text : {"user_17 has bought items item_1337", "what is the next item ?"}) {
    const Ids ids = tokenizer->Encode(text);
    EXPECT_EQ(ids.back(), tokenizer->eos_id());
    EXPECT_EQ(std::count(ids.begin(), ids.end(), tokenizer->unk_id()), 0);
    EXPECT_EQ(tokenizer->Decode(ids), text);
    EXPECT_EQ(tokenizer->DecodeWithSpecialTokens(ids), text + std::string("</s>"));
    EXPECT_TRUE(tokenizer->StartsWord(ids.front()));
    EXPECT_FALSE(tokenizer->StartsWord(ids.back()));
  }
  EXPECT_THAT(tokenizer->Encode(""), ElementsAre(1));
  EXPECT_THAT(tokenizer->Encode(" \t "), ElementsAre(1));
  EXPECT_EQ(tokenizer->Decode(Ids{}), "");
  EXPECT_EQ(tokenizer->Decode(Ids{-5, 1 << 30}), "");
}

TEST_F(TokenizerTest, InvalidUtf8IsUnknownNotAnError) {
  const auto tokenizer = OpenModel();
  const Ids ids = tokenizer->Encode("item\xff\xfe");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tokenizer->unk_id()), 1);
}

TEST_F(TokenizerTest, AddedTokensAreCutOutWithoutWordBoundaries) {
  const auto tokenizer = OpenModel();
  const int32_t base = tokenizer->vocabulary_size();
  OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI1>", "<CI12>"}));
  OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI1><CI1>"}));
  EXPECT_EQ(tokenizer->vocabulary_size(), base + 3);
  EXPECT_EQ(tokenizer->base_vocabulary_size(), base);
  EXPECT_EQ(tokenizer->Piece(base + 1), "<CI12>");
  EXPECT_FALSE(tokenizer->StartsWord(base));
  EXPECT_THAT(tokenizer->Encode("<CI12> <CI1>"), ElementsAre(base + 1, base, 1));
  // The longest of those that begin at one place.
  EXPECT_THAT(tokenizer->Encode("<CI1><CI1><CI1>"), ElementsAre(base + 2, base, 1));
  const Ids ids = tokenizer->Encode("item_<CI1><CI12> , item_<CI12>");
  EXPECT_EQ(tokenizer->Decode(ids), "item_<CI1><CI12> , item_<CI12>");
}

TEST_F(TokenizerTest, RefusesTokensItCannotAdd) {
  const auto tokenizer = OpenModel();
  const auto fails = [&](const std::vector<std::string>& tokens, const std::string& message) {
    EXPECT_THAT(tokenizer->AddTokens(tokens),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
    EXPECT_TRUE(tokenizer->added_tokens().empty());
  };
  fails({"<a>", ""}, "token 2: '' is empty");
  fails({"<a>", "<b>", "<a>"}, "token 3: '<a>' is a token already");
  fails({"</s>"}, "token 1: '</s>' is a piece of the model already");
  fails({"a\nb"}, "holds a line break");
}

TEST_F(TokenizerTest, SaveAndOpenGivesAnEqualTokenizer) {
  const TemporaryFolder folder;
  const auto tokenizer = OpenModel();
  OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI0>", "<CI1>"}));
  OPENP5_ASSERT_OK(tokenizer->Save(folder.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(ModelFile()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string after, ReadFile(folder.File("spiece.model")));
  EXPECT_EQ(before, after);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, OpenTokenizer(folder.path(), "t5"));
  EXPECT_EQ(again->added_tokens(), tokenizer->added_tokens());
  EXPECT_EQ(again->vocabulary_size(), tokenizer->vocabulary_size());
  EXPECT_EQ(again->Encode("item_<CI1>"), tokenizer->Encode("item_<CI1>"));
  // Saved over it, a tokenizer without added tokens leaves none behind.
  OPENP5_ASSERT_OK(OpenModel()->Save(folder.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto plain, OpenTokenizer(folder.path()));
  EXPECT_TRUE(plain->added_tokens().empty());
}

TEST_F(TokenizerTest, SentinelsOfATokenizerConfigSurviveSaving) {
  const TemporaryFolder folder, saved;
  OPENP5_ASSERT_OK(OpenModel()->Save(folder.path()));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), R"({"extra_ids": 3})"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder.path()));
  const int32_t pieces = OpenModel()->vocabulary_size();
  EXPECT_EQ(tokenizer->base_vocabulary_size(), pieces + 3);
  EXPECT_THAT(tokenizer->Encode("<extra_id_0><extra_id_2>"), ElementsAre(pieces + 2, pieces, 1));
  OPENP5_ASSERT_OK(tokenizer->Save(saved.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, OpenTokenizer(saved.path()));
  EXPECT_EQ(again->base_vocabulary_size(), pieces + 3);

  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), R"({"extra_ids": -1})"));
  EXPECT_THAT(OpenTokenizer(folder.path()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("extra_ids: expected a number")));
}

// Tokens that were added before the folder was saved, as transformers lists them.
TEST_F(TokenizerTest, AFoldersTokensHaveItsIds) {
  const TemporaryFolder folder, saved;
  OPENP5_ASSERT_OK(OpenModel()->Save(folder.path()));
  const int32_t pieces = OpenModel()->vocabulary_size();
  const auto id = [&](int i) { return StrCat("\"", pieces + i, "\""); };
  const std::string decoder = StrCat(
      R"({"0": {"content": "<pad>", "special": true}, )", id(1), R"(: {"content": "<CI7>"}, )",
      id(5), R"(: {"content": "<CI0>"}, )", id(2), R"(: {"content": "[PAD]", "special": true}})");
  OPENP5_ASSERT_OK(
      WriteFileAtomic(folder.File("tokenizer_config.json"),
                      StrCat(R"({"extra_ids": 1, "added_tokens_decoder": )", decoder, "}")));
  // Passed over beside an added_tokens_decoder.
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("added_tokens.json"), R"({"<CI0>": 999})"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder.path()));
  EXPECT_EQ(tokenizer->family(), "t5");
  EXPECT_THAT(tokenizer->Encode("<CI0><CI7><extra_id_0>"),
              ElementsAre(pieces + 5, pieces + 1, pieces, 1));
  EXPECT_EQ(tokenizer->Find("<CI0>"), pieces + 5);
  EXPECT_EQ(tokenizer->Find("<CI1>"), -1);
  EXPECT_EQ(tokenizer->Find("</s>"), -1);
  EXPECT_EQ(tokenizer->Piece(pieces + 3), "");
  EXPECT_EQ(tokenizer->base_vocabulary_size(), pieces + 6);
  EXPECT_EQ(tokenizer->Decode(std::vector<int32_t>{pieces + 2, pieces + 5}), "<CI0>");
  EXPECT_TRUE(tokenizer->added_tokens().empty());
  OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI1>"}));
  EXPECT_EQ(tokenizer->Find("<CI1>"), pieces + 6);
  OPENP5_ASSERT_OK(tokenizer->Save(saved.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, OpenTokenizer(saved.path()));
  EXPECT_EQ(again->Digest(), tokenizer->Digest());
  EXPECT_EQ(again->Encode("<CI1><CI0> a <CI7>"), tokenizer->Encode("<CI1><CI0> a <CI7>"));
}

TEST_F(TokenizerTest, WithoutADecoderAddedTokensJsonSaysTheIds) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(OpenModel()->Save(folder.path()));
  const int32_t pieces = OpenModel()->vocabulary_size();
  OPENP5_ASSERT_OK(
      WriteFileAtomic(folder.File("added_tokens.json"),
                      StrCat(R"({"<CI0>": )", pieces + 1, R"(, "<CI1>": )", pieces, "}")));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder.path()));
  EXPECT_THAT(tokenizer->Encode("<CI0><CI1>"), ElementsAre(pieces + 1, pieces, 1));
}

TEST_F(TokenizerTest, RefusesTokensThatCannotBe) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(OpenModel()->Save(folder.path()));
  const std::string config = folder.File("tokenizer_config.json");
  const auto fails = [&](const std::string& decoder, const std::string& message) {
    OPENP5_ASSERT_OK(WriteFileAtomic(config, StrCat(R"({"added_tokens_decoder": )", decoder, "}")));
    EXPECT_THAT(OpenTokenizer(folder.path()),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(message)));
  };
  fails("[]", "added_tokens_decoder: expected an object");
  fails(R"({"x": {"content": "a"}})", "expected ids, got \"x\"");
  fails(R"({"-1": {"content": "a"}})", "expected ids");
  fails(R"({"2000000000": {"content": "a"}})", "expected ids to 10000000");
  fails(R"({"500": {"content": ""}})", "expected an id and a content");
  fails(R"({"500": {"content": "a"}, "501": {"content": "a"}})", "each token once");
  fails(R"({"2": {"content": "<CI0>"}})", "which the model has for '<unk>'");
  OPENP5_ASSERT_OK(WriteFileAtomic(config, "[]"));
  EXPECT_THAT(OpenTokenizer(folder.path()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("expected a JSON object")));
}

// A model that is converted, and its tokenizer.json, cut texts alike.
TEST_F(TokenizerTest, AConvertedModelHasTheSameIds) {
  const auto tokenizer = OpenModel();
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto converted, OpenTokenizer(ModelFile(), "tokenizer-json"));
  OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI0>", "<CI1>"}));
  OPENP5_ASSERT_OK(converted->AddTokens({"<CI0>", "<CI1>"}));
  EXPECT_EQ(converted->vocabulary_size(), tokenizer->vocabulary_size());
  for (const char* text : {"", " ", "item_1034", "Toy item_<CI0><CI1> , item_<CI1>x", "a  b\tc",
                           "What's next? \xe6\x97\xa5 \xef\xac\x81", "</s> x"}) {
    EXPECT_EQ(converted->Encode(text), tokenizer->Encode(text)) << text;
    EXPECT_EQ(converted->Decode(converted->Encode(text)),
              tokenizer->Decode(tokenizer->Encode(text)));
  }
  for (int32_t id = 0; id < tokenizer->vocabulary_size(); ++id) {
    EXPECT_EQ(converted->StartsWord(id), tokenizer->StartsWord(id)) << id;
  }
}

TEST_F(TokenizerTest, RefusesWhatIsNoModel) {
  const TemporaryFolder folder;
  EXPECT_THAT(OpenTokenizer(folder.File("none.model")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.model")));
  EXPECT_THAT(
      OpenTokenizer(folder.path()),
      StatusIs(
          absl::StatusCode::kNotFound,
          HasSubstr("expected spiece.model, tokenizer.model, tokenizer.json, or vocab.json and "
                    "merges.txt in this folder")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("text"), "This is text, not a model.\n"));
  EXPECT_THAT(OpenTokenizer(folder.File("text")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("text: offset 0: ")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("empty"), ""));
  EXPECT_THAT(OpenTokenizer(folder.File("empty")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a file without pieces")));
}

TEST_F(TokenizerTest, RefusesUnknownFamiliesAndModelsOfAnotherFamily) {
  EXPECT_THAT(
      OpenTokenizer(ModelFile(), "bert"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("expected one of t5, llama-legacy, llama, llama-fast, byte-level-bpe, "
                         "tokenizer-json; got 'bert'")));
  for (const char* family : {"llama-legacy", "llama", "llama-fast"}) {
    EXPECT_THAT(OpenTokenizer(ModelFile(), family),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("spiece.model"), HasSubstr("without <s>"))));
  }
  EXPECT_THAT(TokenizerFamilies(), ElementsAre("t5", "llama-legacy", "llama", "llama-fast",
                                               "byte-level-bpe", "tokenizer-json"));
}

TEST_F(TokenizerTest, RefusesAModelCutOffAnywhere) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(ModelFile()));
  std::string error;
  ASSERT_NE(SentencePieceModel::Parse(bytes, &error), nullptr) << error;
  // What follows the normalizer's settings may be missing (it is in old models).
  const size_t needed = bytes.rfind("nmt_nfkc");
  ASSERT_NE(needed, std::string::npos);
  for (size_t size = 0; size < needed; ++size) {
    EXPECT_EQ(SentencePieceModel::Parse(bytes.substr(0, size), &error), nullptr) << size;
    EXPECT_FALSE(error.empty());
  }
}

TEST_F(TokenizerTest, ReadsTokenLists) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("a"), "<CI1>\n<CI0>\r\n<CI2>"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokens, ReadTokenList(folder.File("a")));
  EXPECT_THAT(tokens, ElementsAre("<CI1>", "<CI0>", "<CI2>"));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("b"), "<CI1>\n\n<CI2>\n"));
  EXPECT_THAT(ReadTokenList(folder.File("b")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("b:2: expected a token")));
  EXPECT_THAT(ReadTokenList(folder.File("c")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("c")));
}

TEST_F(TokenizerTest, NumberTokensAreWhatNumbersAreWrittenWith) {
  const auto tokenizer = OpenModel();
  const Ids ids = NumberTokenIds(*tokenizer);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  for (const int32_t id : ids) {
    std::string digits = tokenizer->Piece(id);
    if (digits.starts_with(kWordMark)) digits.erase(0, kWordMark.size());
    EXPECT_FALSE(digits.empty());
    EXPECT_EQ(digits.find_first_not_of("0123456789"), std::string::npos) << digits;
  }
}

TEST(TruncateTest, KeepsTheEndToken) {
  const auto truncated = [](int64_t max, Ids ids) {
    Truncate(max, 1, &ids);
    return ids;
  };
  EXPECT_THAT(truncated(3, {5, 6, 7, 8, 1}), ElementsAre(5, 6, 1));
  EXPECT_THAT(truncated(1, {5, 6, 1}), ElementsAre(1));
  EXPECT_THAT(truncated(2, {5, 6, 7}), ElementsAre(5, 6));
  EXPECT_THAT(truncated(3, {5, 6, 1}), ElementsAre(5, 6, 1));
  EXPECT_THAT(truncated(0, {5, 6, 1}), ElementsAre(5, 6, 1));
}

TEST(CleanUpTest, DropsBlanksBeforePunctuation) {
  EXPECT_EQ(CleanUpBlanks("a , b . c ? d ! do n't I 'm he 's we 've you 're rock ' roll"),
            "a, b. c? d! don't I'm he's we've you're rock'roll");
  EXPECT_EQ(CleanUpBlanks(""), "");
  EXPECT_EQ(CleanUpBlanks(" ,"), ",");
}

}  // namespace
}  // namespace openp5::text

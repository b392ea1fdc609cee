#include <nlohmann/json.hpp>
#include <sstream>

#include "platform/base/file.h"
#include "platform/text/tokenizer.h"
#include "platform/text/tokenizer_json.h"
#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using nlohmann::json;
using ::openp5::testing::Shared;
using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;
using Ids = std::vector<int32_t>;

// Small tokenizers that Hugging Face's tokenizers 0.22 trained on invented text, and the ids and
// texts it gave (fixtures/README.md).
std::string Fixture(const std::string& name) {
  return std::string(OPENP5_SOURCE_DIR) + "/tests/platform/text/fixtures/" + name;
}

json FixtureJson(const std::string& name) {
  return json::parse(ReadFile(Fixture(name + "/tokenizer.json")).value());
}

class ByteLevelTokenizerTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ByteLevelTokenizerTest, IdsAndTextsEqualTheRecordedOnes) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(Fixture(GetParam())));
  EXPECT_EQ(tokenizer->family(), "byte-level-bpe");
  OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI0>", "<CI3>", "<CI12>"}));
  std::istringstream lines(ReadFile(Fixture(StrCat(GetParam(), "/recorded.jsonl"))).value());
  int compared = 0;
  for (std::string line; std::getline(lines, line); ++compared) {
    const json recorded = json::parse(line);
    const auto text = recorded["text"].get<std::string>();
    EXPECT_EQ(tokenizer->Encode(text), recorded["ids"].get<Ids>()) << line;
    EXPECT_EQ(tokenizer->Decode(recorded["ids"].get<Ids>()), recorded["decoded"]) << line;
  }
  EXPECT_GE(compared, 28);
}

TEST_P(ByteLevelTokenizerTest, ASavedOneIsEqual) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(Fixture(GetParam())));
  OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI0>", "<CI1>"}));
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(tokenizer->Save(folder.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, OpenTokenizer(folder.path(), "byte-level-bpe"));
  EXPECT_EQ(again->vocabulary_size(), tokenizer->vocabulary_size());
  EXPECT_EQ(again->added_tokens(), tokenizer->added_tokens());
  const std::string text = "Toy item_<CI1><CI0> isn't 1034 <|end|>";
  EXPECT_EQ(again->Encode(text), tokenizer->Encode(text));
  EXPECT_EQ(again->eos_id(), tokenizer->eos_id());
  EXPECT_EQ(again->bos_id(), tokenizer->bos_id());
  EXPECT_EQ(again->pad_id(), tokenizer->pad_id());
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ByteLevelTokenizerTest,
                         ::testing::Values("gpt2", "gpt2_prefix", "llama3", "qwen2"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ByteLevelTokenizerSpecialsTest, NamedBesideTheFile) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(Fixture("llama3")));
  EXPECT_EQ(tokenizer->Piece(tokenizer->bos_id()), "<|begin|>");
  EXPECT_EQ(tokenizer->Piece(tokenizer->eos_id()), "<|end|>");
  EXPECT_EQ(tokenizer->pad_id(), tokenizer->eos_id());
  const Ids ids = tokenizer->Encode("x<|end|>");
  EXPECT_EQ(ids.front(), tokenizer->bos_id());
  EXPECT_EQ(ids.back(), tokenizer->eos_id());
  EXPECT_EQ(tokenizer->Decode(ids), "x");
  EXPECT_EQ(tokenizer->DecodeWithSpecialTokens(ids), "<|begin|>x<|end|>");
  EXPECT_TRUE(tokenizer->StartsWord(tokenizer->Encode(" item")[1]));
  EXPECT_FALSE(tokenizer->StartsWord(tokenizer->Encode("item")[1]));
  EXPECT_FALSE(tokenizer->StartsWord(tokenizer->eos_id()));

  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"), FixtureJson("llama3").dump()));
  EXPECT_THAT(OpenTokenizer(folder.path()),
              StatusIs(Code::kNotFound, HasSubstr("with the eos_token beside it")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), "{}"));
  EXPECT_THAT(OpenTokenizer(folder.path()),
              StatusIs(Code::kDataLoss, HasSubstr("expected an eos_token, got none")));
  OPENP5_ASSERT_OK(
      WriteFileAtomic(folder.File("tokenizer_config.json"), R"({"eos_token": "<none>"})"));
  EXPECT_THAT(OpenTokenizer(folder.path()),
              StatusIs(Code::kDataLoss, HasSubstr("eos_token: expected a token of")));
}

TEST(ByteLevelTokenizerSpecialsTest, FamiliesDoNotMix) {
  EXPECT_THAT(OpenTokenizer(Fixture("gpt2"), "t5"),
              StatusIs(Code::kInvalidArgument, HasSubstr("a SentencePiece model for family t5")));
  EXPECT_THAT(OpenTokenizer(Fixture("gpt2"), "bert"),
              StatusIs(Code::kInvalidArgument, HasSubstr("got 'bert'")));
}

TEST(ByteLevelTokenizerSpecialsTest, LongWordsTakeLittleTime) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(Fixture("llama3")));
  for (const char* part : {"x", " ", "item", "\xc3\xbc", "\xff"}) {
    std::string text;
    while (text.size() < 300'000) text += part;
    EXPECT_GT(tokenizer->Encode(text).size(), 1u);
  }
}

TEST(TokenizerJsonTest, UnknownStepsAreRefusedByName) {
  const auto with = [](const char* pointer, const json& value) {
    json file = FixtureJson("llama3");
    file[json::json_pointer(pointer)] = value;
    return ParseTokenizerJson(file.dump());
  };
  struct Case {
    const char* pointer;
    json value;
    const char* message;
  };
  const Case cases[] = {
      {"/normalizer", {{"type", "NFKC"}}, "normalizer: expected none or NFC, got NFKC"},
      {"/truncation", {{"max_length", 3}}, "truncation: expected none"},
      {"/pre_tokenizer", {{"type", "Whitespace"}}, "pre_tokenizer: expected ByteLevel"},
      {"/pre_tokenizer", nullptr, "pre_tokenizer: expected ByteLevel"},
      {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\\w+", "got '\\w+'"},
      {"/pre_tokenizer/pretokenizers/0/behavior", "Removed", "behavior: expected Isolated"},
      {"/pre_tokenizer/pretokenizers/0/invert", true, "invert: expected false"},
      {"/pre_tokenizer/pretokenizers/1/use_regex", true, "use_regex"},
      {"/pre_tokenizer/pretokenizers/1/add_prefix_space", true, "add_prefix_space"},
      {"/pre_tokenizer/pretokenizers/2", {{"type", "Digits"}}, "pre_tokenizer: Sequence"},
      {"/post_processor/processors/0", {{"type", "BertProcessing"}}, "got BertProcessing"},
      {"/decoder", {{"type", "WordPiece"}}, "decoder: expected ByteLevel, got WordPiece"},
      {"/model/type", "WordPiece", "model: expected byte-level BPE, got \"WordPiece\""},
      {"/model/dropout", 0.1, "model: dropout: expected none, got 0.1"},
      {"/model/byte_fallback", true, "model: byte_fallback"},
      {"/model/end_of_word_suffix", "</w>", "model: end_of_word_suffix"},
      {"/model/new_setting", 1, "model: 'new_setting' is not known"},
      {"/new_step", nullptr, "'new_step' is not known"},
      {"/added_tokens/0/lstrip", true, "lstrip: expected false"},
      {"/added_tokens/0/single_word", true, "single_word: expected false"},
  };
  for (const Case& c : cases) {
    const auto parsed = with(c.pointer, c.value);
    // The pattern is looked at where it is compiled.
    if (parsed.ok()) {
      EXPECT_EQ(parsed->pattern, c.value) << c.pointer;
      continue;
    }
    EXPECT_THAT(parsed, StatusIs(Code::kInvalidArgument, HasSubstr(c.message))) << c.pointer;
  }
}

TEST(TokenizerJsonTest, ATokenLookedForInComposedTextIsRefused) {
  json file = FixtureJson("qwen2");
  ASSERT_EQ(file["normalizer"]["type"], "NFC");
  file["added_tokens"][0]["normalized"] = true;
  EXPECT_THAT(ParseTokenizerJson(file.dump()),
              StatusIs(Code::kInvalidArgument, HasSubstr("normalized: expected false")));
}

TEST(TokenizerJsonTest, AnotherPatternIsRefused) {
  const TemporaryFolder folder;
  json file = FixtureJson("llama3");
  file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(a+)+$";
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"), file.dump()));
  OPENP5_ASSERT_OK(
      WriteFileAtomic(folder.File("tokenizer_config.json"), R"({"eos_token": "<|end|>"})"));
  EXPECT_THAT(
      OpenTokenizer(folder.path()),
      StatusIs(Code::kInvalidArgument, AllOf(HasSubstr(folder.File("tokenizer.json")),
                                             HasSubstr("pattern"), HasSubstr("got '(a+)+$'"))));
}

TEST(TokenizerJsonTest, UnigramIsRefusedWithWhatCanBeRead) {
  OPENP5_SKIP_WITHOUT_SHARED();
  EXPECT_THAT(OpenTokenizer(Shared("tokenizers/t5/t5-small_tokenizer.json")),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("got \"Unigram\""), HasSubstr("spiece.model"))));
}

TEST(TokenizerJsonTest, HostileVocabulariesAreRefused) {
  const auto change = [](const std::function<void(json*)>& edit) {
    const TemporaryFolder folder;
    json file = FixtureJson("gpt2");
    edit(&file);
    EXPECT_TRUE(WriteFileAtomic(folder.File("tokenizer.json"), file.dump()).ok());
    EXPECT_TRUE(
        WriteFileAtomic(folder.File("tokenizer_config.json"), R"({"eos_token": "<|end|>"})").ok());
    return OpenTokenizer(folder.path()).status();
  };
  const auto is_data_loss = [](const char* message) {
    return StatusIs(Code::kDataLoss, HasSubstr(message));
  };
  EXPECT_THAT(change([](json* f) { (*f)["model"]["vocab"]["z"] = 2147483647; }),
              is_data_loss("expected ids 0 to"));
  EXPECT_THAT(change([](json* f) { (*f)["model"]["vocab"]["z"] = -1; }),
              is_data_loss("an id of its own"));
  EXPECT_THAT(change([](json* f) { (*f)["model"]["vocab"]["z"] = (*f)["model"]["vocab"]["y"]; }),
              is_data_loss("an id of its own"));
  EXPECT_THAT(change([](json* f) {
                (*f)["model"]["merges"][0] = {"no", "such"};
              }),
              is_data_loss("merge 0: expected two pieces"));
  EXPECT_THAT(change([](json* f) { (*f)["model"]["merges"][0] = "one"; }),
              StatusIs(Code::kInvalidArgument, HasSubstr("merges: expected two pieces")));
  EXPECT_THAT(change([](json* f) { (*f)["model"]["vocab"] = json::array(); }),
              StatusIs(Code::kInvalidArgument, HasSubstr("vocab: expected an object")));
  EXPECT_THAT(change([](json* f) { (*f)["added_tokens"][0]["id"] = 5; }),
              is_data_loss("expected an id of its own, got 5 twice"));
}

TEST(TokenizerJsonTest, DamageIsOneLine) {
  EXPECT_THAT(ParseTokenizerJson(""), StatusIs(Code::kDataLoss, HasSubstr("syntax error")));
  EXPECT_THAT(ParseTokenizerJson("[]"),
              StatusIs(Code::kInvalidArgument, HasSubstr("expected an object")));
  EXPECT_THAT(ParseTokenizerJson(std::string(1'000'000, '[')),
              StatusIs(Code::kDataLoss, HasSubstr("")));
  std::string deep = R"({"model": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_THAT(ParseTokenizerJson(deep), StatusIs(Code::kDataLoss, HasSubstr("nested at most 16")));
  const std::string text = ReadFile(Fixture("gpt2/tokenizer.json")).value();
  for (size_t size = 0; size < text.size(); size += 7) {
    const auto parsed = ParseTokenizerJson(text.substr(0, size));
    ASSERT_FALSE(parsed.ok()) << size;
    EXPECT_THAT(std::string(parsed.status().message()), ::testing::Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace openp5::text

#include <filesystem>
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
  const bool is_byte_level = FixtureJson(GetParam())["decoder"]["type"] == "ByteLevel";
  EXPECT_EQ(tokenizer->family(), is_byte_level ? "byte-level-bpe" : "tokenizer-json");
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
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, OpenTokenizer(folder.path(), tokenizer->family()));
  EXPECT_EQ(again->Digest(), tokenizer->Digest());
  EXPECT_EQ(again->vocabulary_size(), tokenizer->vocabulary_size());
  EXPECT_EQ(again->added_tokens(), tokenizer->added_tokens());
  const std::string text = "Toy item_<CI1><CI0> isn't 1034 <|end|>";
  EXPECT_EQ(again->Encode(text), tokenizer->Encode(text));
  EXPECT_EQ(again->eos_id(), tokenizer->eos_id());
  EXPECT_EQ(again->bos_id(), tokenizer->bos_id());
  EXPECT_EQ(again->pad_id(), tokenizer->pad_id());
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ByteLevelTokenizerTest,
                         ::testing::Values("gpt2", "gpt2_prefix", "llama3", "qwen2", "smollm", "t5",
                                           "llama", "llama_legacy"),
                         [](const auto& info) { return std::string(info.param); });

// The same tokenizers as their slow classes are saved.
class SlowFolderTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(folder_.File(name), text).ok());
  }
  void WriteModel(const std::string& fixture) {
    const json model = FixtureJson(fixture)["model"];
    Write("vocab.json", model["vocab"].dump());
    merges_ = "#version: 0.2\n";
    for (const json& merge : model["merges"]) {
      merges_ += StrCat(merge[0].get<std::string>(), " ", merge[1].get<std::string>(), "\n");
    }
    Write("merges.txt", merges_);
  }
  // What makes its ids those of the fixtures.
  static json Config(const std::string& name) {
    json config = {{"tokenizer_class", name}};
    for (const char* token : {"eos_token", "bos_token", "unk_token", "pad_token"}) {
      config[token] = "<|end|>";
    }
    const json flags = {{"special", true}, {"normalized", false}};
    for (const auto& [id, content] : {std::pair("420", "<|begin|>"), std::pair("421", "<|end|>")}) {
      config["added_tokens_decoder"][id] = flags;
      config["added_tokens_decoder"][id]["content"] = content;
    }
    return config;
  }
  void ExpectRefusal(Code code, const std::string& message) {
    EXPECT_THAT(OpenTokenizer(folder_.path()), StatusIs(code, HasSubstr(message)));
  }

  TemporaryFolder folder_;
  std::string merges_;
};

TEST_F(SlowFolderTest, IdsAndTextsEqualTheRecordedOnes) {
  for (const std::string name : {"gpt2", "gpt2_prefix", "qwen2"}) {
    SCOPED_TRACE(name);
    WriteModel(name);
    json config = Config(name == "qwen2" ? "Qwen2Tokenizer" : "GPT2Tokenizer");
    config["add_prefix_space"] = name == "gpt2_prefix";
    Write("tokenizer_config.json", config.dump());
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder_.path()));
    EXPECT_EQ(tokenizer->family(), "byte-level-bpe");
    EXPECT_EQ(tokenizer->Piece(tokenizer->eos_id()), "<|end|>");
    OPENP5_ASSERT_OK(tokenizer->AddTokens({"<CI0>", "<CI3>", "<CI12>"}));
    std::istringstream lines(ReadFile(Fixture(name + "/recorded.jsonl")).value());
    int compared = 0;
    for (std::string line; std::getline(lines, line); ++compared) {
      const json recorded = json::parse(line);
      EXPECT_EQ(tokenizer->Encode(recorded["text"].get<std::string>()), recorded["ids"].get<Ids>())
          << line;
      EXPECT_EQ(tokenizer->Decode(recorded["ids"].get<Ids>()), recorded["decoded"]) << line;
    }
    EXPECT_GE(compared, 28);
    const TemporaryFolder saved;
    OPENP5_ASSERT_OK(tokenizer->Save(saved.path()));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, OpenTokenizer(saved.path()));
    EXPECT_EQ(again->Digest(), tokenizer->Digest());
    EXPECT_EQ(again->AllAddedTokens().size(), tokenizer->AllAddedTokens().size());
  }
}

// Old folders list added tokens in a file of their own and name no class beside the model's type.
TEST_F(SlowFolderTest, OldFoldersAreReadToo) {
  WriteModel("qwen2");
  Write("config.json", R"({"model_type": "qwen2"})");
  Write("added_tokens.json", R"({"<CI0>": 421, "<|endoftext|>": 420})");
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder_.path()));
  EXPECT_EQ(tokenizer->eos_id(), 420);
  EXPECT_EQ(tokenizer->pad_id(), 420);
  EXPECT_EQ(tokenizer->bos_id(), -1);
  EXPECT_EQ(tokenizer->Find("<CI0>"), 421);
  EXPECT_EQ(tokenizer->vocabulary_size(), 422);
  // Version 5 lists special tokens without ids: they come behind all others.
  Write("tokenizer_config.json",
        R"({"extra_special_tokens": ["<CI0>", {"content": "<CI1>"}, "<CI2>"]})");
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto extra, OpenTokenizer(folder_.path()));
  EXPECT_EQ(extra->Find("<CI0>"), 421);
  EXPECT_EQ(extra->Encode("<CI1><CI2>"), Ids({422, 423}));
  std::filesystem::remove(folder_.File("tokenizer_config.json"));
  // Without the list the end token comes behind the vocabulary.
  std::filesystem::remove(folder_.File("added_tokens.json"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto bare, OpenTokenizer(folder_.path()));
  EXPECT_EQ(bare->eos_id(), 420);
  EXPECT_EQ(bare->Decode(bare->Encode("Toy<|endoftext|>")), "Toy");
}

TEST_F(SlowFolderTest, WhatIsUnclearIsRefused) {
  WriteModel("gpt2");
  ExpectRefusal(Code::kInvalidArgument,
                "tokenizer_class: expected GPT2Tokenizer or "
                "Qwen2Tokenizer beside vocab.json and merges.txt, got none");
  Write("tokenizer_config.json", R"({"tokenizer_class": "RobertaTokenizer"})");
  ExpectRefusal(Code::kInvalidArgument, "got \"RobertaTokenizer\"; hint: AutoTokenizer");
  json config = Config("GPT2Tokenizer");
  config["add_bos_token"] = true;
  Write("tokenizer_config.json", config.dump());
  ExpectRefusal(Code::kInvalidArgument, "add_bos_token: expected false");
  Write("tokenizer_config.json", Config("GPT2Tokenizer").dump());
  OPENP5_ASSERT_OK(OpenTokenizer(folder_.path()));
  Write("merges.txt", merges_.substr(merges_.find('\n') + 1));
  ExpectRefusal(Code::kDataLoss, "merges.txt: expected '#version: …' in the first line");
  Write("merges.txt", merges_.substr(0, merges_.size() - 1));
  ExpectRefusal(Code::kDataLoss, "merges.txt: expected a line break at the end");
  Write("merges.txt", "#version: 0.2\ni t\na b c\n");
  ExpectRefusal(Code::kDataLoss, "merges.txt:3: expected two pieces, got \"a b c\"");
  Write("merges.txt", "#version: 0.2\n\xff t\n");
  ExpectRefusal(Code::kDataLoss, "merges.txt: expected UTF-8, got other bytes at 14");
  Write("merges.txt", merges_);
  Write("vocab.json", "[]");
  ExpectRefusal(Code::kDataLoss, "vocab.json");
  Write("vocab.json", R"({"a": 0, "b": 0})");
  ExpectRefusal(Code::kDataLoss, "vocab.json: model: vocab: expected an id of its own");
  std::filesystem::remove(folder_.File("merges.txt"));
  ExpectRefusal(Code::kNotFound, "or vocab.json and merges.txt in this folder");
}

// Each was looked for among all pieces and all others.
TEST(ByteLevelTokenizerSpecialsTest, ManyAddedTokensAreFound) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"), FixtureJson("gpt2").dump()));
  json config = {{"eos_token", "<|end|>"}};
  for (int i = 0; i < 200000; ++i) {
    config["added_tokens_decoder"][std::to_string(422 + i)] = {{"content", StrCat("<t", i, ">")}};
  }
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), config.dump()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder.path()));
  EXPECT_EQ(tokenizer->Find("<t199999>"), 422 + 199999);
  EXPECT_EQ(tokenizer->Encode("<t7><t123456>"), Ids({429, 422 + 123456}));
}

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
      {"/normalizer", {{"type", "Nmt"}}, "normalizer: expected none, NFC"},
      {"/normalizer", {{"type", "StripAccents"}}, "got StripAccents"},
      {"/normalizer",
       {{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", "b"}},
       "normalizer: Replace: pattern"},
      {"/normalizer",
       {{"type", "Sequence"}, {"normalizers", {{{"type", "NFD"}}, {{"type", "BertNormalizer"}}}}},
       "got BertNormalizer"},
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
      {"/model/type", "WordPiece", "model: expected BPE or Unigram, got \"WordPiece\""},
      {"/model/type", "WordLevel", "model: expected BPE or Unigram, got \"WordLevel\""},
      {"/pre_tokenizer/pretokenizers/1", {{"type", "Punctuation"}}, "got Punctuation"},
      {"/model/dropout", 0.1, "model: dropout: expected none, got 0.1"},
      {"/model/byte_fallback", true, "model: byte_fallback"},
      {"/model/end_of_word_suffix", "</w>", "model: end_of_word_suffix"},
      {"/model/new_setting", 1, "model: 'new_setting' is not known"},
      {"/new_step", nullptr, "'new_step' is not known"},
      {"/added_tokens/0/strip", true, "added_tokens: 'strip' is not known"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(with(c.pointer, c.value), StatusIs(Code::kInvalidArgument, HasSubstr(c.message)))
        << c.pointer;
  }
}

// Saves a changed fixture with what names its end token, and opens it.
absl::StatusOr<std::unique_ptr<Tokenizer>> OpenChanged(const std::string& name,
                                                       const std::function<void(json*)>& edit,
                                                       const TemporaryFolder& folder) {
  json file = FixtureJson(name);
  edit(&file);
  EXPECT_TRUE(WriteFileAtomic(folder.File("tokenizer.json"), file.dump()).ok());
  const std::string config = ReadFile(Fixture(name + "/tokenizer_config.json")).value();
  EXPECT_TRUE(WriteFileAtomic(folder.File("tokenizer_config.json"), config).ok());
  return OpenTokenizer(folder.path());
}

TEST(TokenizerJsonTest, ANormalizedTokenIsLookedForInTheNormalizedText) {
  const std::string composed = "x\xc3\xa9", decomposed = "xe\xcc\x81";
  for (const bool normalized : {true, false}) {
    const TemporaryFolder folder;
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer,
                                OpenChanged(
                                    "qwen2",
                                    [&](json* file) {
                                      ASSERT_EQ((*file)["normalizer"]["type"], "NFC");
                                      json token = (*file)["added_tokens"].back();
                                      token["id"] = token["id"].get<int>() + 1;
                                      token["content"] = decomposed;
                                      token["normalized"] = normalized;
                                      (*file)["added_tokens"].push_back(token);
                                    },
                                    folder));
    const int32_t id = tokenizer->Find(decomposed);
    EXPECT_EQ(id, tokenizer->base_vocabulary_size() - 1);
    EXPECT_EQ(tokenizer->Encode(decomposed), Ids{id});
    EXPECT_EQ(tokenizer->Encode(composed) == Ids{id}, normalized);
  }
}

// transformers numbers the tokens of a tokenizer.json in their order, whatever the file says.
TEST(TokenizerJsonTest, AddedTokensHaveTheIdsThatTransformersGivesThem) {
  const TemporaryFolder folder;
  const json before = FixtureJson("gpt2");
  const auto first = before["added_tokens"].back()["id"].get<int32_t>() + 1;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer,
                              OpenChanged(
                                  "gpt2",
                                  [&](json* file) {
                                    for (int i : {9, 4, 6}) {
                                      json token = (*file)["added_tokens"].back();
                                      token["id"] = first + i;
                                      token["content"] = StrCat("<CI", i, ">");
                                      (*file)["added_tokens"].push_back(token);
                                    }
                                  },
                                  folder));
  EXPECT_EQ(tokenizer->Encode("<CI4><CI9><CI6>"), (Ids{first + 1, first, first + 2}));
  EXPECT_EQ(tokenizer->base_vocabulary_size(), first + 3);
}

// Ids that only the files beside it have come behind its own, in their order.
TEST(TokenizerJsonTest, TokensOfTheOtherFilesComeBehindItsOwn) {
  const TemporaryFolder folder, saved;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"), FixtureJson("gpt2").dump()));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), R"({
      "eos_token": "<|end|>", "added_tokens_decoder": {
      "900": {"content": "<CI1>", "special": false}, "899": {"content": "<CI0>"},
      "3": {"content": "<|end|>"}}})"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto plain, OpenTokenizer(Fixture("gpt2")));
  const int32_t first = plain->vocabulary_size();
  EXPECT_EQ(tokenizer->Encode("<CI1><CI0>"), (Ids{first + 1, first}));
  EXPECT_EQ(tokenizer->eos_id(), plain->eos_id());
  OPENP5_ASSERT_OK(tokenizer->Save(saved.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, OpenTokenizer(saved.path()));
  EXPECT_EQ(again->Encode("<CI1><CI0>"), (Ids{first + 1, first}));
}

TEST(TokenizerJsonTest, DamagedTablesOfCharactersAreRefused) {
  for (const char* table : {"%%%", "AAAA", "/////w==", "BAAAAP////8="}) {
    json file = FixtureJson("t5");
    file["normalizer"]["precompiled_charsmap"] = table;
    const auto parsed = ParseTokenizerJson(file.dump());
    if (parsed.ok()) {
      EXPECT_EQ(parsed->normalizer.Normalize("a\xef\xac\x81"), "a\xef\xac\x81") << table;
    } else {
      EXPECT_THAT(std::string(parsed.status().message()), HasSubstr("Precompiled")) << table;
    }
  }
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

// The published tokenizer.json of T5 and the recorded ids of a SentencePiece model beside which it
// stands.
TEST(TokenizerJsonTest, UnigramHasTheIdsOfItsSentencePieceModel) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const TemporaryFolder folder;
  const std::string json_text = ReadFile(Shared("tokenizers/t5/t5-small_tokenizer.json")).value();
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.json"), json_text));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer_config.json"), R"({"eos_token": "</s>",
      "pad_token": "<pad>", "unk_token": "<unk>"})"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenTokenizer(folder.path()));
  EXPECT_EQ(tokenizer->family(), "tokenizer-json");
  EXPECT_EQ(tokenizer->vocabulary_size(), 32100);
  std::istringstream lines(ReadFile(Shared("golden/01_tokenizer/t5_tokenizer.jsonl")).value());
  int compared = 0;
  for (std::string line; std::getline(lines, line); ++compared) {
    const json recorded = json::parse(line);
    const auto text = recorded["text"].get<std::string>();
    EXPECT_EQ(tokenizer->Encode(text), recorded["base"]["ids"].get<Ids>()) << text;
  }
  EXPECT_GT(compared, 100);
}

TEST(TokenizerJsonTest, AModelThatIsNoSentencePieceBesideItIsPassedOver) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("tokenizer.model"), "IQ== 0\nIg== 1\n"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, OpenChanged(
                                                        "llama3", [](json*) {}, folder));
  EXPECT_EQ(tokenizer->family(), "byte-level-bpe");
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

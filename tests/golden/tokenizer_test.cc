#include "platform/text/tokenizer.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/base/file.h"
#include "platform/text/clean_up.h"
#include "platform/text/number_tokens.h"
#include "tests/testing/testing.h"

namespace openp5::text {
namespace {

using ::nlohmann::json;
using ::openp5::testing::Shared;
using Ids = std::vector<int32_t>;

std::vector<json> ReadJsonLines(const std::string& path) {
  std::ifstream file(path);
  std::vector<json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line));
  return lines;
}

json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

std::unique_ptr<Tokenizer> Open(const std::string& model, const std::string& family,
                                const std::string& added_tokens_file) {
  auto tokenizer = OpenTokenizer(Shared("tokenizers/" + model), family);
  EXPECT_THAT(tokenizer, testing::IsOk());
  if (!tokenizer.ok()) return nullptr;
  if (!added_tokens_file.empty()) {
    const json added = ReadJson(Shared("golden/01_tokenizer/" + added_tokens_file));
    EXPECT_EQ((*tokenizer)->vocabulary_size(), added["first_id"].get<int32_t>());
    OPENP5_EXPECT_OK((*tokenizer)->AddTokens(added["tokens_in_id_order"]));
  }
  return *std::move(tokenizer);
}

void CheckT5(const std::string& variant, const std::string& added_tokens_file) {
  const auto tokenizer = Open("t5/spiece.model", "t5", added_tokens_file);
  ASSERT_NE(tokenizer, nullptr);
  const std::vector<json> lines = ReadJsonLines(Shared("golden/01_tokenizer/t5_tokenizer.jsonl"));
  ASSERT_GT(lines.size(), 100U);
  int truncated = 0;
  for (const json& line : lines) {
    const std::string text = line["text"];
    SCOPED_TRACE(text.substr(0, 200));
    const json& expected = line[variant];
    Ids ids = tokenizer->Encode(text);
    EXPECT_EQ(ids, expected["ids"].get<Ids>());
    EXPECT_EQ(tokenizer->DecodeWithSpecialTokens(ids), expected["decode_all_raw"]);
    EXPECT_EQ(CleanUpBlanks(tokenizer->DecodeWithSpecialTokens(ids)),
              expected["decode_all_cleanup"]);
    EXPECT_EQ(CleanUpBlanks(tokenizer->Decode(ids)), expected["decode_skip_special_cleanup"]);
    Truncate(512, tokenizer->eos_id(), &ids);
    EXPECT_EQ(ids, expected.value("ids_truncated_512", expected["ids"]).get<Ids>());
    truncated += expected.contains("ids_truncated_512") ? 1 : 0;
  }
  EXPECT_GT(truncated, 0);
}

TEST(TokenizerGolden, T5) {
  OPENP5_SKIP_WITHOUT_SHARED();
  CheckT5("base", "");
}

TEST(TokenizerGolden, T5WithCollaborativeTokens) {
  OPENP5_SKIP_WITHOUT_SHARED();
  CheckT5("collab", "t5_added_tokens.json");
}

TEST(TokenizerGolden, T5Sizes) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const auto tokenizer = Open("t5", "", "");
  EXPECT_EQ(tokenizer->vocabulary_size(), 32100);
  EXPECT_EQ(tokenizer->base_vocabulary_size(), 32100);
  EXPECT_EQ(tokenizer->Piece(32099), "<extra_id_0>");
  EXPECT_EQ(tokenizer->Piece(32000), "<extra_id_99>");
  EXPECT_EQ(tokenizer->pad_id(), 0);
  EXPECT_EQ(tokenizer->eos_id(), 1);
  EXPECT_EQ(tokenizer->unk_id(), 2);
  EXPECT_EQ(tokenizer->bos_id(), -1);
}

struct LlamaCase {
  std::string name, family;
  bool added;
};

class LlamaGolden : public ::testing::TestWithParam<LlamaCase> {};

TEST_P(LlamaGolden, IdsAndTexts) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const LlamaCase& which = GetParam();
  const auto tokenizer =
      Open("llama/tokenizer.model", which.family, which.added ? "llama_added_tokens.json" : "");
  ASSERT_NE(tokenizer, nullptr);
  const std::string same_as = which.added ? "slow_legacy_collab" : "slow_legacy";
  int decoded = 0;
  for (const json& line : ReadJsonLines(Shared("golden/01_tokenizer/llama_tokenizer.jsonl"))) {
    const std::string text = line["text"];
    SCOPED_TRACE(text.substr(0, 200));
    const json& expected = line[which.name];
    const Ids ids = tokenizer->Encode(text);
    EXPECT_EQ(ids, (expected["ids"].is_null() ? line[same_as] : expected)["ids"].get<Ids>());
    if (!expected.contains("decode_all")) continue;
    ++decoded;
    EXPECT_EQ(tokenizer->Decode(ids), expected["decode_skip_special"]);
    EXPECT_EQ(tokenizer->DecodeWithSpecialTokens(ids), expected["decode_all"]);
  }
  EXPECT_EQ(decoded > 0, which.family == "llama-legacy" || which.name == "fast_collab");
}

INSTANTIATE_TEST_SUITE_P(Families, LlamaGolden,
                         ::testing::Values(LlamaCase{"slow_legacy", "llama-legacy", false},
                                           LlamaCase{"slow_legacy_collab", "llama-legacy", true},
                                           LlamaCase{"slow_nonlegacy", "llama", false},
                                           LlamaCase{"slow_nonlegacy_collab", "llama", true},
                                           LlamaCase{"fast", "llama-fast", false},
                                           LlamaCase{"fast_collab", "llama-fast", true}),
                         [](const auto& info) { return info.param.name; });

TEST(NumberTokensGolden, T5) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const json expected =
      ReadJson(Shared("golden/05_random_initialization/t5_number_token_ids.json"));
  const auto tokenizer = Open("t5", "t5", "");
  EXPECT_EQ(NumberTokenIds(*tokenizer), expected["ids"].get<Ids>());
  EXPECT_EQ(NumberTokenIds(*tokenizer, NumberTokenRule::kOpenP5), expected["ids"].get<Ids>());
}

TEST(NumberTokensGolden, Llama) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const Ids expected =
      ReadJson(Shared("golden/05_random_initialization/llama_number_token_ids.json"))["ids"];
  const auto tokenizer = Open("llama", "llama-fast", "");
  EXPECT_EQ(NumberTokenIds(*tokenizer, NumberTokenRule::kOpenP5), expected);
  // Without the lone word mark, which is the smallest of them.
  EXPECT_EQ(NumberTokenIds(*tokenizer), Ids(expected.begin() + 1, expected.end()));
}

}  // namespace
}  // namespace openp5::text

#include "platform/prompting/causal_encoder.h"

#include "tests/testing/tiny_world.h"

namespace openp5::prompting {
namespace {

using ::openp5::testing::Shared;
using ::openp5::testing::TinyWorld;

std::vector<int32_t> Joined(const CausalEncoder& encoder, const std::string& input,
                            const std::string& output) {
  std::vector<int32_t> tokens = encoder.Prompt(input);
  const std::vector<int32_t> response = encoder.Response(output);
  tokens.insert(tokens.end(), response.begin(), response.end());
  return tokens;
}

TEST(CausalEncoderTest, PromptAndResponseAreTheTokensOfTheWholeText) {
  const TinyWorld world;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto encoder, CausalEncoder::Create(*world.tokenizer, {}));
  const std::vector<int32_t> joined = Joined(encoder, "toy user_1", "toy item_1001");
  EXPECT_EQ(joined, world.tokenizer->Encode("toy user_1 Response: toy item_1001"));
  const CausalExample example = encoder.Example("toy user_1", "toy item_1001");
  EXPECT_EQ(example.tokens, joined);
  EXPECT_EQ(example.first_label, encoder.Prompt("toy user_1").size());
}

TEST(CausalEncoderTest, CutsTheInputAndKeepsTheMark) {
  const TinyWorld world;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto whole, CausalEncoder::Create(*world.tokenizer, {}));
  const auto all = whole.Prompt("toy user toy user toy user toy user");
  const auto limit = static_cast<int64_t>(all.size()) - 3;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto encoder,
                              CausalEncoder::Create(*world.tokenizer, {.max_tokens = limit}));
  const auto cut = encoder.Prompt("toy user toy user toy user toy user");
  ASSERT_EQ(static_cast<int64_t>(cut.size()), limit);
  EXPECT_EQ(cut.back(), all.back());
  EXPECT_EQ(cut[0], all[0]);
}

// A pattern that splits words, too, ends a token at the mark.
TEST(CausalEncoderTest, KnowsByteLevelTokenizers) {
  for (const char* name : {"gpt2", "llama3", "qwen2"}) {
    SCOPED_TRACE(name);
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto tokenizer,
        text::OpenTokenizer(StrCat(OPENP5_SOURCE_DIR, "/tests/platform/text/fixtures/", name)));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto encoder, CausalEncoder::Create(*tokenizer, {}));
    std::vector<int32_t> joined = Joined(encoder, "What next ?", "ML100K item_1001");
    ASSERT_EQ(joined.back(), tokenizer->eos_id());
    joined.pop_back();
    EXPECT_EQ(joined, tokenizer->Encode("What next ? Response: ML100K item_1001"));
  }
}

// Llama's tokenizer: the begin token in front, and in OpenP5's form the blank behind the mark.
TEST(CausalEncoderTest, OpenP5LosesTheFirstTokenOfTheResponse) {
  OPENP5_SKIP_WITHOUT_SHARED();
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer,
                              text::OpenTokenizer(Shared("tokenizers/llama"), "llama-fast"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto ours, CausalEncoder::Create(*tokenizer, {}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto theirs,
                              CausalEncoder::Create(*tokenizer, {.openp5_compat = true}));
  const CausalExample example = ours.Example("What next ?", "ML100K item_1001");
  const CausalExample original = theirs.Example("What next ?", "ML100K item_1001");
  EXPECT_EQ(example.tokens.front(), tokenizer->bos_id());
  EXPECT_EQ(example.tokens, original.tokens);
  EXPECT_EQ(original.first_label, example.first_label + 1);
  EXPECT_EQ(theirs.Prompt("What next ?").back(), 29871);  // a lone word-start mark
  EXPECT_EQ(theirs.Response("ML100K item_1001"), ours.Response("ML100K item_1001"));
}

// Families with a begin token and without: the answer follows the history as one more item would.
TEST(CausalEncoderTest, WithoutAMarkTheAnswerGoesOnWithTheHistory) {
  std::vector<std::string> folders;
  for (const char* name : {"gpt2", "llama3", "qwen2"}) {
    folders.push_back(StrCat(OPENP5_SOURCE_DIR, "/tests/platform/text/fixtures/", name));
  }
  for (const std::string& folder : folders) {
    SCOPED_TRACE(folder);
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto tokenizer, text::OpenTokenizer(folder));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto encoder,
                                CausalEncoder::Create(*tokenizer, {.mark = ""}));
    std::vector<int32_t> joined = Joined(encoder, "item_1 item_2", "item_3");
    ASSERT_EQ(joined.back(), tokenizer->eos_id());
    joined.pop_back();
    EXPECT_EQ(joined, encoder.Prompt("item_1 item_2 item_3"));
  }
  const TinyWorld world;
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto encoder,
                              CausalEncoder::Create(*world.tokenizer, {.mark = ""}));
  EXPECT_EQ(Joined(encoder, "toy user_1", "item_1001"),
            world.tokenizer->Encode("toy user_1 item_1001"));
}

}  // namespace
}  // namespace openp5::prompting

#include "checkpoints/state_dict_form.h"

#include <ATen/ATen.h>

#include "tests/testing/testing.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;
using nlohmann::json;

at::Tensor Numbers(int64_t first) { return at::arange(first, first + 6, at::kFloat).view({3, 2}); }

// A Llama's names, each with `prefix` before it.
NamedTensors Llama(const std::string& prefix, bool with_head = true) {
  NamedTensors weights = {{prefix + "model.embed_tokens.weight", Numbers(0)},
                          {prefix + "model.layers.0.input_layernorm.weight", at::ones({2})},
                          {prefix + "model.norm.weight", at::ones({2})}};
  if (with_head) weights.emplace_back(prefix + "lm_head.weight", Numbers(10));
  return weights;
}

std::vector<std::string> Names(const NamedTensors& weights) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : weights) names.push_back(name);
  return names;
}

absl::StatusOr<NamedTensors> Settle(NamedTensors weights, json* config) {
  OPENP5_RETURN_IF_ERROR(SettleStateDict("file", config, &weights));
  return weights;
}

TEST(StateDictFormTest, TakesOffWhatWrappersPutBefore) {
  const std::vector<std::string> plain = Names(Llama(""));
  for (const char* prefix :
       {"", "_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module.", "model.", "net.",
        "base_model.model.", "_forward_module.model.", "model._orig_mod.", "a.b.c."}) {
    json config = {{"model_type", "llama"}};
    OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors settled, Settle(Llama(prefix), &config));
    EXPECT_EQ(Names(settled), plain) << prefix;
    EXPECT_TRUE(at::equal(*FindTensor(settled, "lm_head.weight"), Numbers(10))) << prefix;
  }
}

TEST(StateDictFormTest, TakesOutWrappersInTheMiddle) {
  json config = {{"model_type", "qwen3"}};
  NamedTensors weights = Llama("");
  weights[1].first = "model.layers.0._orig_mod.input_layernorm.weight";
  weights[2].first = "model._fsdp_wrapped_module.norm.weight";
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors settled, Settle(weights, &config));
  EXPECT_EQ(Names(settled), Names(Llama("")));
}

TEST(StateDictFormTest, AModelSavedWithoutItsHeadGetsTheNamesItHasWithOne) {
  for (const char* prefix : {"", "net."}) {
    json config = {{"model_type", "qwen2"}, {"tie_word_embeddings", true}};
    NamedTensors weights;
    for (const auto& [name, tensor] : Llama("", /*with_head=*/false))
      weights.emplace_back(prefix + name.substr(6), tensor);
    OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors settled, Settle(weights, &config));
    EXPECT_EQ(Names(settled), Names(Llama("", false))) << prefix;
  }
}

TEST(StateDictFormTest, PassesOverWhatIsOutsideOfTheModel) {
  json config = {{"model_type", "llama"}};
  NamedTensors weights = Llama("model.");
  weights.emplace_back("metric.total", at::ones({1}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors settled, Settle(weights, &config));
  EXPECT_EQ(Names(settled), Names(Llama("")));
  // Without a prefix nothing is outside: the model's loader names it.
  weights = Llama("");
  weights.emplace_back("metric.total", at::ones({1}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors plain, Settle(weights, &config));
  EXPECT_NE(FindTensor(plain, "metric.total"), nullptr);
}

TEST(StateDictFormTest, TwoModelsMustBeTheSame) {
  json config = {{"model_type", "llama"}};
  NamedTensors weights = Llama("model.");
  for (const auto& named : Llama("compiled._orig_mod.")) weights.push_back(named);
  OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors settled, Settle(weights, &config));
  EXPECT_EQ(Names(settled), Names(Llama("")));
  weights.back().second = Numbers(11);
  EXPECT_THAT(Settle(weights, &config),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("file: expected the weights of one model"),
                             HasSubstr("'model.model.'"), HasSubstr("'compiled.model.'"))));
  weights = Llama("");
  weights.emplace_back("_orig_mod.lm_head.weight", Numbers(11));
  EXPECT_THAT(Settle(weights, &config),
              StatusIs(Code::kInvalidArgument, HasSubstr("'lm_head.weight': expected one")));
}

// Each would be compared with the whole file.
TEST(StateDictFormTest, AFileOfManyModelsIsRefused) {
  json config = {{"model_type", "llama"}};
  NamedTensors weights;
  for (int i = 0; i < 50000; ++i) {
    weights.emplace_back(StrCat("m", i, ".model.norm.weight"), Numbers(0));
    weights.emplace_back(StrCat("m", i, ".model.layers.0.input_layernorm.weight"), Numbers(0));
  }
  EXPECT_THAT(Settle(weights, &config),
              StatusIs(Code::kInvalidArgument,
                       HasSubstr("file: expected the weights of one model, got those of 50000, the "
                                 "first below 'm0.model.'")));
}

// A T5's names, with the table under those given.
NamedTensors T5(const std::vector<std::string>& tables) {
  NamedTensors weights = {{"encoder.final_layer_norm.weight", at::ones({2})},
                          {"decoder.final_layer_norm.weight", at::ones({2})}};
  for (const std::string& name : tables) weights.emplace_back(name, Numbers(0));
  return weights;
}

TEST(StateDictFormTest, FindsTheTableOfAT5UnderAnyOfItsNames) {
  const std::vector<std::vector<std::string>> cases = {
      {"shared.weight"},
      {"encoder.embed_tokens.weight"},
      {"decoder.embed_tokens.weight"},
      {"lm_head.weight"},
      {"decoder.embed_tokens.weight", "encoder.embed_tokens.weight"},
      {"lm_head.weight", "decoder.embed_tokens.weight", "shared.weight"}};
  for (const auto& tables : cases) {
    json config = {{"model_type", "t5"}};  // tied, as T5's configs are that do not say
    OPENP5_ASSERT_OK_AND_ASSIGN(const NamedTensors settled, Settle(T5(tables), &config));
    EXPECT_THAT(Names(settled), ElementsAre("encoder.final_layer_norm.weight",
                                            "decoder.final_layer_norm.weight", "shared.weight"));
    EXPECT_EQ(config, json({{"model_type", "t5"}}));
  }
  json config = {{"model_type", "t5"}};
  NamedTensors weights = T5({"shared.weight", "decoder.embed_tokens.weight"});
  weights.back().second = Numbers(1);
  EXPECT_THAT(Settle(weights, &config),
              StatusIs(Code::kInvalidArgument,
                       HasSubstr("got shared.weight and decoder.embed_tokens.weight, which "
                                 "disagree")));
}

TEST(StateDictFormTest, AHeadOfItsOwnWinsOverTheConfig) {
  json config = {{"model_type", "llama"}, {"tie_word_embeddings", true}};
  OPENP5_ASSERT_OK_AND_ASSIGN(NamedTensors settled, Settle(Llama(""), &config));
  EXPECT_NE(FindTensor(settled, "lm_head.weight"), nullptr);
  EXPECT_EQ(config["tie_word_embeddings"], false);

  // A copy of the table is none.
  config["tie_word_embeddings"] = true;
  NamedTensors weights = Llama("", false);
  weights.emplace_back("lm_head.weight", Numbers(0).to(at::kHalf));
  OPENP5_ASSERT_OK_AND_ASSIGN(settled, Settle(weights, &config));
  EXPECT_EQ(FindTensor(settled, "lm_head.weight"), nullptr);
  EXPECT_EQ(config["tie_word_embeddings"], true);
}

TEST(StateDictFormTest, AT5GoesOnToScaleWhatItScaled) {
  const auto settle = [](json config, bool own_head) {
    NamedTensors weights = T5({"shared.weight"});
    if (own_head) weights.emplace_back("lm_head.weight", Numbers(7));
    config["model_type"] = "t5";
    EXPECT_THAT(SettleStateDict("file", &config, &weights), testing::IsOk());
    return std::pair(config["tie_word_embeddings"], config["scale_decoder_outputs"]);
  };
  using Flags = std::pair<json, json>;
  EXPECT_EQ(settle({{"tie_word_embeddings", true}}, true), Flags(false, true));
  EXPECT_EQ(settle({{"tie_word_embeddings", true}, {"scale_decoder_outputs", false}}, true),
            Flags(false, false));
  // Tied as transformers 5 ties every T5.
  EXPECT_EQ(settle({{"tie_word_embeddings", false}}, false), Flags(true, false));
  EXPECT_EQ(settle({{"tie_word_embeddings", false}}, true), Flags(false, json()));
}

}  // namespace
}  // namespace openp5::checkpoints

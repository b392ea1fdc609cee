#include "checkpoints/peft.h"

#include "checkpoints/safetensors.h"
#include "platform/base/json.h"
#include "tests/checkpoints/torch_bytes.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::Shared;
using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;
using nlohmann::json;

json Config() { return {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"bias", "none"}}; }

PeftAdapter LinearAdapter() {
  return {Config(),
          {{"q.lora_A.weight", at::arange(6, at::kFloat).view({2, 3})},
           {"q.lora_B.weight", at::arange(8, at::kFloat).view({4, 2})}}};
}

TEST(PeftTest, ComesBack) {
  TemporaryFolder folder;
  const PeftAdapter adapter = LinearAdapter();
  OPENP5_ASSERT_OK(WritePeftAdapter(folder.File("a"), adapter));
  EXPECT_TRUE(IsPeftFolder(folder.File("a")));
  OPENP5_ASSERT_OK_AND_ASSIGN(const PeftAdapter again, ReadPeftAdapter(folder.File("a")));
  EXPECT_EQ(again.config, adapter.config);
  ASSERT_EQ(again.tensors.size(), 2u);
  for (const auto& [name, tensor] : adapter.tensors) {
    EXPECT_TRUE(SameBits(*FindTensor(again.tensors, name), tensor)) << name;
  }
}

TEST(PeftTest, MergesLinearLayersEmbeddingsAndFullOnes) {
  PeftAdapter adapter = LinearAdapter();
  adapter.tensors.emplace_back("e.lora_embedding_A", at::arange(10, at::kFloat).view({2, 5}));
  adapter.tensors.emplace_back("e.lora_embedding_B", at::arange(6, at::kFloat).view({3, 2}));
  adapter.tensors.emplace_back("head.weight", at::full({2, 2}, 7.f));
  const NamedTensors before = {{"q.weight", at::ones({4, 3})},
                               {"e.weight", at::ones({5, 3})},
                               {"head.weight", at::ones({2, 2})},
                               {"norm.weight", at::ones({3})}};
  NamedTensors weights = before;
  OPENP5_ASSERT_OK(MergeAdapter(adapter, "adapter", &weights));
  const auto& factor = adapter.tensors;
  EXPECT_TRUE(at::equal(*FindTensor(weights, "q.weight"),
                        before[0].second + 2 * at::mm(factor[1].second, factor[0].second)));
  EXPECT_TRUE(at::equal(*FindTensor(weights, "e.weight"),
                        before[1].second + 2 * at::mm(factor[3].second, factor[2].second).t()));
  EXPECT_TRUE(at::equal(*FindTensor(weights, "head.weight"), at::full({2, 2}, 7.f)));
  EXPECT_TRUE(at::equal(*FindTensor(weights, "norm.weight"), before[3].second));

  adapter.config["use_rslora"] = true;
  adapter.tensors.resize(2);
  weights = before;
  OPENP5_ASSERT_OK(MergeAdapter(adapter, "adapter", &weights));
  EXPECT_TRUE(at::allclose(
      *FindTensor(weights, "q.weight"),
      before[0].second + 4 / std::sqrt(2.) * at::mm(factor[1].second, factor[0].second)));
}

TEST(PeftTest, RoundsOnceToTheWeightsType) {
  NamedTensors weights = {{"q.weight", at::ones({4, 3}, at::kBFloat16)}};
  const PeftAdapter adapter = LinearAdapter();
  OPENP5_ASSERT_OK(MergeAdapter(adapter, "adapter", &weights));
  EXPECT_EQ(weights[0].second.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(
      weights[0].second,
      (1 + 2 * at::mm(adapter.tensors[1].second, adapter.tensors[0].second)).to(at::kBFloat16)));
}

TEST(PeftTest, WhatDoesNotFitTheBackboneIsNamed) {
  const auto merge = [](const PeftAdapter& adapter, NamedTensors weights) {
    return MergeAdapter(adapter, "adapter", &weights);
  };
  EXPECT_THAT(merge(LinearAdapter(), {{"other.weight", at::ones({4, 3})}}),
              StatusIs(Code::kDataLoss, HasSubstr("adapter: layer 'q': expected it in the "
                                                  "backbone")));
  EXPECT_THAT(merge(LinearAdapter(), {{"q.weight", at::ones({5, 3})}}),
              StatusIs(Code::kDataLoss, HasSubstr("5 rows, got one for 4")));
  PeftAdapter half = LinearAdapter();
  half.tensors.pop_back();
  EXPECT_THAT(merge(half, {{"q.weight", at::ones({4, 3})}}),
              StatusIs(Code::kDataLoss, HasSubstr("both of LoRA's factors")));
  PeftAdapter rank = LinearAdapter();
  rank.config["r"] = 3;
  EXPECT_THAT(merge(rank, {{"q.weight", at::ones({4, 3})}}),
              StatusIs(Code::kDataLoss, HasSubstr("expected factors [3, n]")));
  PeftAdapter magnitude = LinearAdapter();
  magnitude.tensors.emplace_back("q.lora_magnitude_vector", at::ones({4}));
  EXPECT_THAT(merge(magnitude, {{"q.weight", at::ones({4, 3})}}),
              StatusIs(Code::kDataLoss, HasSubstr("q.lora_magnitude_vector")));
}

TEST(PeftTest, AdaptersOfAnotherKindAreRefusedByName) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WritePeftAdapter(folder.File("a"), LinearAdapter()));
  const std::string path = folder.File("a/adapter_config.json");
  const auto with = [&](const char* field, const json& value) {
    json config = Config();
    config[field] = value;
    EXPECT_TRUE(WriteFileAtomic(path, config.dump()).ok());
    return ReadPeftAdapter(folder.File("a"));
  };
  const std::pair<const char*, json> others[] = {
      {"peft_type", "IA3"},
      {"use_dora", true},
      {"bias", "all"},
      {"rank_pattern", {{"q", 4}}},
      {"fan_in_fan_out", true},
      {"init_lora_weights", "pissa"},
      {"lora_bias", true},
      {"trainable_token_indices", {1, 2}},
      {"something_new", "active"},
  };
  for (const auto& [field, value] : others) {
    EXPECT_THAT(with(field, value),
                StatusIs(Code::kInvalidArgument,
                         AllOf(HasSubstr(path + ": " + field), HasSubstr("plain LoRA"))));
  }
  OPENP5_EXPECT_OK(with("something_new", nullptr));
  EXPECT_THAT(with("r", 0), StatusIs(Code::kDataLoss, HasSubstr("r: expected a rank")));
  EXPECT_THAT(with("r", "8"), StatusIs(Code::kDataLoss, HasSubstr("r: expected a rank")));
  EXPECT_THAT(with("lora_alpha", "x"), StatusIs(Code::kDataLoss, HasSubstr("lora_alpha")));
}

TEST(PeftTest, MissingFilesAndForeignNames) {
  TemporaryFolder folder;
  EXPECT_THAT(ReadPeftAdapter(folder.path()), StatusIs(Code::kNotFound, HasSubstr("adapter_config"
                                                                                  ".json")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("adapter_config.json"), Config().dump()));
  EXPECT_THAT(ReadPeftAdapter(folder.path()),
              StatusIs(Code::kNotFound, HasSubstr("adapter_model.safetensors")));
  OPENP5_ASSERT_OK(
      WriteSafetensors(folder.File("adapter_model.safetensors"), {{"q", at::ones({1})}}));
  EXPECT_THAT(ReadPeftAdapter(folder.path()),
              StatusIs(Code::kDataLoss, HasSubstr("'q': expected a name that begins with "
                                                  "base_model.model.")));
}

}  // namespace
}  // namespace openp5::checkpoints

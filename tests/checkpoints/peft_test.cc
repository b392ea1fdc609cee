#include "checkpoints/peft.h"

#include "platform/base/json.h"
#include "platform/tensor/safetensors.h"
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

// A table E and a head tied to it, and adapters of each kind: what PEFT computes without merging.
class TiedPeftTest : public ::testing::Test {
 protected:
  // The table and the head after the merge; a head that is undefined is still tied.
  std::pair<at::Tensor, at::Tensor> Merge(const json& fields, NamedTensors tensors) {
    PeftAdapter adapter{Config(), std::move(tensors)};
    if (!fields.is_null()) adapter.config.update(fields);
    NamedTensors weights = {{"model.embed_tokens.weight", table_}};
    bool tied = true;
    EXPECT_THAT(MergeAdapter(adapter, "adapter", &weights, &tied), testing::IsOk());
    const at::Tensor* head = FindTensor(weights, "lm_head.weight");
    EXPECT_EQ(tied, head == nullptr);
    return {weights[0].second, head == nullptr ? at::Tensor() : *head};
  }

  const at::Tensor table_ = at::arange(15, at::kFloat).view({5, 3});
  const at::Tensor a_ = at::arange(10, at::kFloat).view({2, 5}),
                   b_ = at::arange(6, at::kFloat).view({3, 2});
  const NamedTensors table_lora_ = {{"model.embed_tokens.lora_embedding_A", a_},
                                    {"model.embed_tokens.lora_embedding_B", b_}};
  const NamedTensors head_lora_ = {{"lm_head.lora_A.weight", b_.t().contiguous()},
                                   {"lm_head.lora_B.weight", a_.t().contiguous()}};
  const at::Tensor update_ = 2 * at::mm(b_, a_).t();
};

TEST_F(TiedPeftTest, AnUpdateOfOneLeavesTheOther) {
  const auto [table, head] = Merge({}, table_lora_);
  EXPECT_TRUE(at::equal(table, table_ + update_));
  EXPECT_TRUE(at::equal(head, table_));
  const auto [other_table, other_head] = Merge({}, head_lora_);
  EXPECT_TRUE(at::equal(other_table, table_));
  EXPECT_TRUE(at::equal(other_head, table_ + update_));
}

TEST_F(TiedPeftTest, WhatReplacesTheTableReplacesTheHead) {
  const at::Tensor grown = at::arange(21, at::kFloat).view({7, 3}) * 2;
  const auto [table, head] = Merge({}, {{"model.embed_tokens.weight", grown}});
  EXPECT_TRUE(at::equal(table, grown));
  EXPECT_FALSE(head.defined());
  // As PEFT saves both names of a grown table.
  EXPECT_FALSE(Merge({}, {{"model.embed_tokens.weight", grown}, {"lm_head.weight", grown.clone()}})
                   .second.defined());
  NamedTensors tensors = table_lora_;
  tensors.emplace_back("model.embed_tokens.base_layer.weight", table_ + 1);
  const auto [updated, base] = Merge({}, tensors);
  EXPECT_TRUE(at::equal(updated, table_ + 1 + update_));
  EXPECT_TRUE(at::equal(base, table_ + 1));
  PeftAdapter adapter{Config(),
                      {{"model.embed_tokens.weight", grown}, {"lm_head.weight", grown + 1}}};
  NamedTensors weights = {{"model.embed_tokens.weight", table_}};
  bool tied = true;
  EXPECT_THAT(MergeAdapter(adapter, "adapter", &weights, &tied),
              StatusIs(Code::kDataLoss, HasSubstr("layer 'lm_head': expected the weight of "
                                                  "model.embed_tokens")));
}

TEST_F(TiedPeftTest, ModulesToSaveAreTheLayersOwn) {
  const json saved = {{"modules_to_save", {"embed_tokens"}}};
  const auto [table, head] = Merge(saved, {{"model.embed_tokens.weight", table_ * 3}});
  EXPECT_TRUE(at::equal(table, table_ * 3));
  EXPECT_TRUE(at::equal(head, table_));
  // Grown: what the layer was before is there, too.
  const at::Tensor grown = at::ones({7, 3});
  const auto [grown_table, grown_head] =
      Merge(saved, {{"model.embed_tokens.weight", grown * 3},
                    {"model.embed_tokens.original_module.weight", grown},
                    {"model.embed_tokens.modules_to_save.weight", grown * 3},
                    {"lm_head.weight", grown}});
  EXPECT_TRUE(at::equal(grown_table, grown * 3));
  EXPECT_TRUE(at::equal(grown_head, grown));
}

TEST_F(TiedPeftTest, EnsureWeightTyingChangesBoth) {
  const json tying = {{"ensure_weight_tying", true}};
  const auto [table, head] = Merge(tying, table_lora_);
  EXPECT_TRUE(at::equal(table, table_ + update_));
  EXPECT_FALSE(head.defined());
}

TEST_F(TiedPeftTest, RowsOfTokens) {
  const at::Tensor rows = at::full({2, 3}, 9.f);
  at::Tensor changed = table_.clone();
  changed.select(0, 4).fill_(9);
  changed.select(0, 1).fill_(9);
  const NamedTensors of_table = {{"model.embed_tokens.token_adapter.trainable_tokens_delta", rows}};
  for (const json& tokens : {json({4, 1}), json({{"embed_tokens", {4, 1}}})}) {
    const auto [table, head] = Merge({{"trainable_token_indices", tokens}}, of_table);
    EXPECT_TRUE(at::equal(table, changed));
    EXPECT_FALSE(head.defined());
  }
  NamedTensors both = of_table;
  both.emplace_back("lm_head.token_adapter.trainable_tokens_delta", rows + 1);
  const auto [table, head] =
      Merge({{"trainable_token_indices", {{"embed_tokens", {4, 1}}, {"lm_head", {0, 2}}}}}, both);
  EXPECT_TRUE(at::equal(table, changed));
  at::Tensor other = table_.clone();
  other.select(0, 0).fill_(10);
  other.select(0, 2).fill_(10);
  EXPECT_TRUE(at::equal(head, other));

  const auto fails = [&](const json& tokens, const std::string& message) {
    PeftAdapter adapter{Config(), of_table};
    adapter.config["trainable_token_indices"] = tokens;
    NamedTensors weights = {{"model.embed_tokens.weight", table_}};
    EXPECT_THAT(MergeAdapter(adapter, "adapter", &weights),
                StatusIs(Code::kDataLoss, HasSubstr(message)));
  };
  fails({1}, "expected rows for the 1 tokens");
  fails({1, 5}, "expected token ids below 5, got 5");
  fails({1, -1}, "expected token ids, got -1");
}

TEST_F(TiedPeftTest, ATableOfAT5IsOnlyReplaced) {
  const auto merge = [&](NamedTensors tensors) {
    NamedTensors weights = {{"shared.weight", table_}};
    bool tied = true;
    const PeftAdapter adapter{Config(), std::move(tensors)};
    const absl::Status status = MergeAdapter(adapter, "adapter", &weights, &tied);
    if (status.ok()) EXPECT_TRUE(at::equal(weights[0].second, table_ + 1));
    return status;
  };
  OPENP5_EXPECT_OK(merge({{"shared.weight", table_ + 1},
                          {"encoder.embed_tokens.weight", table_ + 1},
                          {"lm_head.weight", table_ + 1}}));
  EXPECT_THAT(merge({{"shared.weight", table_ + 1}, {"encoder.embed_tokens.weight", table_}}),
              StatusIs(Code::kDataLoss, HasSubstr("encoder.embed_tokens")));
  EXPECT_THAT(merge({{"shared.lora_embedding_A", a_}, {"shared.lora_embedding_B", b_}}),
              StatusIs(Code::kInvalidArgument, HasSubstr("layer 'shared': an adapter of T5's")));
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
  // Off: of any name, and settings of a feature that is off.
  for (const json& off : {json(), json(false), json(""), json::array(), json::object()}) {
    OPENP5_EXPECT_OK(with("something_new", off));
  }
  json off = Config();
  off.update({{"use_qalora", false},
              {"qalora_group_size", 16},
              {"use_next", nullptr},
              {"next_depth", 3},
              {"eva_config", {{"rho", 2.0}}},
              {"init_lora_weights", "eva"},
              {"megatron_core", "megatron.core"}});
  OPENP5_ASSERT_OK(WriteFileAtomic(path, off.dump()));
  OPENP5_EXPECT_OK(ReadPeftAdapter(folder.File("a")));
  const std::pair<const char*, json> on[] = {
      {"use_qalora", true},
      {"use_next", true},
      {"alora_invocation_tokens", {7}},
      {"arrow_config", {{"top_k", 2}}},
      {"corda_config", {{"corda_method", "ipm"}}},
      {"layer_replication", {{0, 2}}},
      {"target_parameters", {"up_proj.weight"}},
      {"use_bdlora", {{"nblocks", 2}}},
      {"alpha_pattern", {{"q", 4}}},
      {"init_lora_weights", "olora"},
      {"bias", "lora_only"},
  };
  for (const auto& [field, value] : on) {
    json config = off;
    config[field] = value;
    OPENP5_ASSERT_OK(WriteFileAtomic(path, config.dump()));
    EXPECT_THAT(ReadPeftAdapter(folder.File("a")),
                StatusIs(Code::kInvalidArgument, HasSubstr(path + ": ")))
        << field;
  }
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

#include "platform/models/t5/t5.h"

#include <torch/types.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "platform/models/families.h"
#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

T5Config TinyConfig() {
  T5Config config;
  config.vocab_size = 40;
  config.d_model = 16;
  config.d_kv = 4;
  config.d_ff = 24;
  config.num_heads = 4;
  config.num_layers = config.num_decoder_layers = 2;
  return config;
}

PackedBatch Pack(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<int64_t> tokens, lengths;
  for (const auto& row : rows) {
    tokens.insert(tokens.end(), row.begin(), row.end());
    lengths.push_back(static_cast<int64_t>(row.size()));
  }
  return {torch::tensor(tokens, at::kLong), at::Tensor(), lengths};
}

TEST(T5Test, AnExampleDoesNotDependOnItsBatch) {
  const auto model = T5Model::Create(TinyConfig(), 1);
  const std::vector<std::vector<int64_t>> inputs = {
      {5, 6, 7, 1}, {8, 1}, {9, 10, 11, 12, 13, 14, 1}};
  const std::vector<std::vector<int64_t>> labels = {{20, 1}, {21, 22, 1}, {23, 1}};
  const at::Tensor together = model->TokenLosses({Pack(inputs), Pack(labels), {}});
  int64_t start = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor alone = model->TokenLosses({Pack({inputs[i]}), Pack({labels[i]}), {}});
    EXPECT_TRUE(at::allclose(together.narrow(0, start, alone.size(0)), alone, 1e-5, 1e-5));
    start += alone.size(0);
  }
}

TEST(T5Test, CachedDecodingEqualsFullDecoding) {
  const auto model = T5Model::Create(TinyConfig(), 2);
  const PackedBatch prompts = Pack({{5, 6, 7, 1}, {8, 9, 1}});
  const auto state = model->Begin(prompts);
  state->Advance(torch::tensor({0, 20, 0, 20}, at::kLong).view({2, 1, 2}));
  state->Select(torch::tensor({0, 1}, at::kLong), at::zeros({2, 2}, at::kLong));
  const at::Tensor hidden =
      state->Advance(torch::tensor({21, 22, 23, 24}, at::kLong).view({2, 2, 1}));
  state->Select(torch::tensor({1}, at::kLong), torch::tensor({1, 0}, at::kLong).view({1, 2}));
  const at::Tensor after = state->Advance(torch::tensor({30, 31}, at::kLong).view({1, 2, 1}));

  const at::NoGradGuard no_gradients;
  const auto full = [&](const std::vector<int64_t>& prompt, const std::vector<int64_t>& generated) {
    std::vector<int64_t> labels(generated.begin() + 1, generated.end());
    labels.push_back(1);
    const PackedBatch input = Pack({prompt});
    return model->Decode(input, model->Encode(input), Pack({labels}))
        .select(0, static_cast<int64_t>(generated.size()) - 1);
  };
  EXPECT_TRUE(at::allclose(hidden[0][1][0], full({5, 6, 7, 1}, {0, 20, 22}), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(hidden[1][0][0], full({8, 9, 1}, {0, 20, 23}), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(after[0][0][0], full({8, 9, 1}, {0, 20, 24, 30}), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(after[0][1][0], full({8, 9, 1}, {0, 20, 23, 31}), 1e-5, 1e-5));
}

TEST(T5Test, StateDictReadsBackAndFaultsAreNamed) {
  const auto model = T5Model::Create(TinyConfig(), 3);
  NamedTensors weights = model->parameters();
  weights.emplace_back("lm_head.weight", *FindTensor(weights, "shared.weight"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again, T5Model::FromStateDict(TinyConfig(), weights));
  for (const auto& [name, tensor] : model->parameters())
    EXPECT_TRUE(at::equal(tensor, *FindTensor(again->parameters(), name))) << name;

  NamedTensors extra = weights;
  extra.emplace_back("decoder.surprise", at::zeros({1}));
  EXPECT_THAT(T5Model::FromStateDict(TinyConfig(), extra),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("decoder.surprise")));
  NamedTensors wrong = weights;
  for (auto& [name, tensor] : wrong) {
    if (name == "encoder.final_layer_norm.weight") tensor = at::zeros({3});
  }
  EXPECT_THAT(
      T5Model::FromStateDict(TinyConfig(), wrong),
      StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr("encoder.final_layer_norm.weight"),
                                                  HasSubstr("[16]"), HasSubstr("[3]"))));
  EXPECT_THAT(T5Model::FromStateDict(TinyConfig(), NamedTensors()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("shared.weight")));
}

// Each block was looked for among all names, and a million made for the names alone.
TEST(T5Test, MoreDecoderBlocksThanAModelHasAreRefused) {
  const at::Tensor norm = at::zeros({16});
  NamedTensors weights = T5Model::Create(TinyConfig(), 3)->parameters();
  for (int i = 2; i < 300000; ++i) {
    weights.emplace_back(StrCat("decoder.block.", i, ".layer.0.layer_norm.weight"), norm);
  }
  EXPECT_THAT(T5Model::FromStateDict(TinyConfig(), weights),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("weights: decoder.block.1024.layer.0.layer_norm.weight: expected "
                                 "at most 1024 blocks")));
}

TEST(T5Test, TheFirstDecoderBlockIsMissed) {
  NamedTensors weights = T5Model::Create(TinyConfig(), 3)->parameters();
  std::erase_if(weights,
                [](const auto& named) { return named.first.starts_with("decoder.block"); });
  EXPECT_THAT(T5Model::FromStateDict(TinyConfig(), weights),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("decoder.block.0.layer.0")));
}

// A config of many layers with a file of many tensors: the first one that is missing is named.
TEST(T5Test, ManyLayersAreLookedForAmongManyNames) {
  T5Config config = TinyConfig();
  config.num_layers = 1024;
  NamedTensors weights = T5Model::Create(TinyConfig(), 3)->parameters();
  for (int i = 0; i < 300000; ++i) weights.emplace_back(StrCat("surplus.", i), at::Tensor());
  EXPECT_THAT(T5Model::FromStateDict(config, weights),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("encoder.block.2.layer.0")));
}

TEST(T5Test, ResizingKeepsOldRows) {
  const auto model = T5Model::Create(TinyConfig(), 4);
  const at::Tensor before = FindTensor(model->parameters(), "shared.weight")->detach().clone();
  Random random(1);
  model->ResizeVocabulary(45, random);
  const at::Tensor after = FindTensor(model->parameters(), "shared.weight")->detach();
  EXPECT_EQ(model->vocabulary_size(), 45);
  EXPECT_TRUE(at::equal(after.narrow(0, 0, 40), before));
  EXPECT_GT(after.narrow(0, 40, 5).abs().sum().item<double>(), 0);
}

TEST(T5Test, DropoutOnlyInTraining) {
  const auto model = T5Model::Create(TinyConfig(), 5);
  const PackedBatch input = Pack({{5, 6, 7, 1}});
  EXPECT_TRUE(at::equal(model->Encode(input), model->Encode(input)));
  model->SetTraining(true, 0.5);
  EXPECT_FALSE(at::equal(model->Encode(input), model->Encode(input)));
}

TEST(T5Test, CheckpointingChangesNoGradient) {
  const auto model = T5Model::Create(TinyConfig(), 5);
  model->SetTraining(true, 0.4);
  const TrainingBatch batch{Pack({{5, 6, 7, 1}, {8, 9, 1}}), Pack({{10, 11, 1}, {12, 1}}), {}};
  const auto gradients = [&](bool checkpointing) {
    at::manual_seed(7);
    model->SetGradientCheckpointing(checkpointing);
    model->TokenLosses(batch).sum().backward();
    NamedTensors of;
    for (const auto& [name, tensor] : model->parameters()) {
      of.emplace_back(name, tensor.grad().clone());
      tensor.mutable_grad().reset();
    }
    return of;
  };
  const NamedTensors kept = gradients(false), computed = gradients(true);
  for (size_t i = 0; i < kept.size(); ++i)
    EXPECT_TRUE(at::allclose(computed[i].second, kept[i].second, 1e-5, 1e-6)) << kept[i].first;
}

TEST(T5Test, SmoothsLabels) {
  const auto model = T5Model::Create(TinyConfig(), 5);
  TrainingBatch batch{Pack({{5, 6, 7, 1}}), Pack({{10, 11, 1}}), {}};
  const at::Tensor sharp = model->TokenLosses(batch);
  const at::Tensor decoded = model->Decode(batch.input, model->Encode(batch.input), batch.labels);
  const at::Tensor even = -at::log_softmax(model->Logits(decoded), -1).mean(-1);
  batch.label_smoothing = 0.2;
  EXPECT_TRUE(at::allclose(model->TokenLosses(batch), 0.8 * sharp + 0.2 * even, 1e-5, 1e-6));
}

TEST(T5ConfigTest, ReadsBackAndNamesTheField) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const T5Config again,
                              T5Config::FromHuggingFace(TinyConfig().ToHuggingFace()));
  EXPECT_EQ(again.ToHuggingFace(), TinyConfig().ToHuggingFace());
  const auto with = [](const char* name, nlohmann::json value) {
    nlohmann::json json = TinyConfig().ToHuggingFace();
    json[name] = std::move(value);
    return T5Config::FromHuggingFace(json);
  };
  EXPECT_THAT(with("d_model", -1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("d_model")));
  EXPECT_THAT(with("d_ff", "x"), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("d_ff: expected a whole number")));
  EXPECT_THAT(
      with("feed_forward_proj", "silu"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("relu or gated-gelu, got silu")));
  EXPECT_THAT(with("model_type", "bert"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected t5, got bert")));
  EXPECT_THAT(PresetConfig("t5-huge"), StatusIs(absl::StatusCode::kNotFound,
                                                AllOf(HasSubstr("t5-tiny"), HasSubstr("t5-huge"))));
}

// The head and the scale are apart in transformers 5.
TEST(T5Test, ScalesAsTheConfigSaysWhateverTheHead) {
  const at::NoGradGuard no_gradients;
  const double factor = std::pow(static_cast<double>(TinyConfig().d_model), -0.5);
  const auto model = T5Model::Create(TinyConfig(), 3);
  const at::Tensor hidden = at::randn({2, TinyConfig().d_model});
  const at::Tensor table = *FindTensor(model->parameters(), "shared.weight");
  const auto logits = [&](bool tied, bool scaled, const at::Tensor& head) {
    nlohmann::json json = TinyConfig().ToHuggingFace();
    json["tie_word_embeddings"] = tied;
    json["scale_decoder_outputs"] = scaled;
    NamedTensors weights = model->parameters();
    if (head.defined()) weights.emplace_back("lm_head.weight", head);
    auto loaded = T5Model::FromStateDict(*T5Config::FromHuggingFace(json), weights);
    EXPECT_THAT(loaded, testing::IsOk());
    EXPECT_EQ((*loaded)->ToHuggingFace()["scale_decoder_outputs"], scaled);
    return (*loaded)->Logits(hidden);
  };
  const at::Tensor head = at::randn_like(table);
  const auto expect = [&](const at::Tensor& got, const at::Tensor& weight, double scale) {
    EXPECT_TRUE(at::allclose(got, at::mm(hidden, weight.t()) * scale, 1e-4, 1e-4));
  };
  expect(logits(true, true, {}), table, factor);
  expect(logits(true, false, {}), table, 1);
  expect(logits(false, false, head), head, 1);
  expect(logits(false, true, head), head, factor);
  expect(logits(true, true, head), head, factor);  // what there is counts
}

TEST(T5ConfigTest, SpellingsOfTheActivation) {
  const auto read = [](const nlohmann::json& fields) {
    nlohmann::json json = TinyConfig().ToHuggingFace();
    json.erase("feed_forward_proj");
    json.update(fields);
    return T5Config::FromHuggingFace(json);
  };
  EXPECT_FALSE(read(nlohmann::json::object())->gated_gelu);
  EXPECT_TRUE(read({{"feed_forward_proj", "gated-gelu"}})->gated_gelu);
  EXPECT_TRUE(read({{"feed_forward_proj", "gated-gelu"},
                    {"is_gated_act", true},
                    {"dense_act_fn", "gelu_new"}})
                  ->gated_gelu);
  // transformers follows the two fields, which a config repeats.
  EXPECT_TRUE(read({{"is_gated_act", true}, {"dense_act_fn", "gelu_pytorch_tanh"}})->gated_gelu);
  const auto refused = [&](const nlohmann::json& fields, const char* message) {
    EXPECT_THAT(read(fields), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refused({{"feed_forward_proj", "gated-gelu"}, {"dense_act_fn", "gelu"}},
          "dense_act_fn: expected gelu_new as is_gated_act is true, got gelu");
  refused({{"dense_act_fn", "gelu_new"}}, "dense_act_fn: expected relu");
  refused({{"feed_forward_proj", "gated-silu"}}, "got gated-silu");
}

TEST(T5ConfigTest, AbsurdNumbersAreRefusedByName) {
  const std::pair<const char*, nlohmann::json> wrong[] = {{"layer_norm_epsilon", -1.0},
                                                          {"layer_norm_epsilon", 1e308},
                                                          {"dropout_rate", 1.5},
                                                          {"dropout_rate", -0.1},
                                                          {"num_layers", 1 << 20},
                                                          {"num_decoder_layers", 0},
                                                          {"d_kv", 1 << 24},
                                                          {"relative_attention_num_buckets", 1},
                                                          {"relative_attention_max_distance", 1},
                                                          {"tie_encoder_decoder", true},
                                                          {"pruned_heads", {{"0", {1}}}}};
  for (const auto& [name, value] : wrong) {
    nlohmann::json json = TinyConfig().ToHuggingFace();
    json[name] = value;
    EXPECT_THAT(T5Config::FromHuggingFace(json),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name)))
        << value.dump();
  }
  nlohmann::json json = TinyConfig().ToHuggingFace();
  json["eos_token_id"] = {1, 2};
  EXPECT_EQ(T5Config::FromHuggingFace(json)->eos_token_id, 1);
}

}  // namespace
}  // namespace openp5::models

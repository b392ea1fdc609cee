#include "platform/models/llama/llama.h"

#include <torch/types.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "platform/models/families.h"
#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

LlamaConfig TinyConfig() {
  return {.vocab_size = 30,
          .hidden_size = 12,
          .intermediate_size = 20,
          .num_hidden_layers = 2,
          .num_attention_heads = 4,
          .num_key_value_heads = 2,
          .head_dim = 4,
          .initializer_range = 0.3};
}

PackedBatch Pack(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<int64_t> tokens, lengths;
  for (const auto& row : rows) {
    tokens.insert(tokens.end(), row.begin(), row.end());
    lengths.push_back(static_cast<int64_t>(row.size()));
  }
  return {torch::tensor(tokens, at::kLong), at::Tensor(), lengths};
}

at::Tensor LogitsOf(LlamaModel& model, const PackedBatch& batch) {
  const at::NoGradGuard no_gradients;
  return model.Logits(model.Forward(batch));
}

std::unique_ptr<LlamaModel> Reload(const LlamaModel& model, LlamaConfig config,
                                   c10::ScalarType type = c10::ScalarType::Float) {
  NamedTensors weights;
  for (const auto& [name, tensor] : model.parameters())
    weights.emplace_back(name, tensor.detach().clone());
  auto loaded = LlamaModel::FromStateDict(std::move(config), std::move(weights), type);
  EXPECT_THAT(loaded, testing::IsOk());
  return *std::move(loaded);
}

TEST(LlamaTest, BatchMatesDoNotMatter) {
  const auto model = LlamaModel::Create(TinyConfig(), 1);
  const std::vector<std::vector<int64_t>> rows = {{3, 4, 5, 6, 7}, {8, 9}, {10, 11, 12}};
  const at::Tensor together = LogitsOf(*model, Pack(rows));
  int64_t start = 0;
  for (const auto& row : rows) {
    const at::Tensor alone = LogitsOf(*model, Pack({row}));
    EXPECT_LE((together.narrow(0, start, alone.size(0)) - alone).abs().max().item<float>(), 1e-5);
    start += alone.size(0);
  }
}

TEST(LlamaTest, LaterTokensDoNotMatter) {
  const auto model = LlamaModel::Create(TinyConfig(), 1);
  const at::Tensor longer = LogitsOf(*model, Pack({{3, 4, 5, 6, 7}}));
  const at::Tensor shorter = LogitsOf(*model, Pack({{3, 4, 5}}));
  EXPECT_LE((longer.narrow(0, 0, 3) - shorter).abs().max().item<float>(), 1e-5);
}

// What a batch's labels are worth to every trained parameter.
NamedTensors GradientsOf(LlamaModel& model, const TrainingBatch& batch) {
  NamedTensors gradients;
  model.TokenLosses(batch).mean().backward();
  for (const auto& [name, tensor] : TrainedParameters(model.parameters())) {
    gradients.emplace_back(name, tensor.grad().clone());
    tensor.mutable_grad().reset();
  }
  return gradients;
}

TrainingBatch TinyBatch() {
  return {Pack({{3, 4, 5, 6}, {7, 8, 9}}),
          {torch::tensor({10, 11, 12}, at::kLong), {}, {2, 1}},
          torch::tensor({2, 3, 6}, at::kLong)};
}

TEST(LlamaTest, DropsOnlyInTrainingAndOnlyIfAsked) {
  const auto model = LlamaModel::Create(TinyConfig(), 1);
  const TrainingBatch batch = TinyBatch();
  const at::Tensor plain = model->TokenLosses(batch);
  model->SetTraining(true);
  EXPECT_TRUE(torch::equal(model->TokenLosses(batch), plain));
  model->SetTraining(true, 0.3);
  EXPECT_FALSE(torch::equal(model->TokenLosses(batch), plain));
  const auto search = [&] {
    const auto state = model->Begin(batch.input);
    return state->Advance(state->start_tokens().view({-1, 1, 1}));
  };
  EXPECT_TRUE(torch::equal(search(), search()));
  model->SetTraining(false, 0.3);
  EXPECT_TRUE(torch::equal(model->TokenLosses(batch), plain));
}

// With dropout on, of an adapter too: the second pass drops what the first one did.
TEST(LlamaTest, CheckpointingChangesNoGradient) {
  for (const bool lora : {false, true}) {
    SCOPED_TRACE(lora);
    const auto model = LlamaModel::Create(TinyConfig(), 1);
    Random random(5);
    if (lora) {
      const LoraConfig config{.rank = 3, .dropout = 0.4, .target_modules = {"q_proj", "up_proj"}};
      OPENP5_ASSERT_OK(model->AddLora(config, /*first_trained_row=*/30, random));
      for (const auto& [name, tensor] : TrainedParameters(model->parameters()))
        tensor.detach().normal_(0, 0.3);
    }
    model->SetTraining(true, 0.4);
    const auto gradients = [&](bool checkpointing) {
      at::manual_seed(7);
      model->SetGradientCheckpointing(checkpointing);
      NamedTensors of = GradientsOf(*model, TinyBatch());
      of.emplace_back("the next random numbers", at::rand({3}));
      return of;
    };
    const NamedTensors kept = gradients(false), computed = gradients(true);
    for (size_t i = 0; i < kept.size(); ++i)
      EXPECT_TRUE(at::allclose(computed[i].second, kept[i].second, 1e-5, 1e-6)) << kept[i].first;
  }
}

// Every text in a sequence of its own, and the same texts as one trunk with branches, among others.
TEST(LlamaTest, BranchesAreTextsOfTheirOwn) {
  const PackedBatch texts = Pack({{3, 4, 5, 6, 7, 8},      // the trunk
                                  {3, 4, 9, 10, 11},       // leaves it after two tokens
                                  {3, 4, 5, 6, 12},        // after four
                                  {3, 4, 5, 6, 7, 8, 13},  // at its end
                                  {14, 15, 16},
                                  {14, 17}});
  PackedBatch joined = Pack({{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, {14, 15, 16, 17}});
  joined.branches = {{{6, 2}, {9, 4}, {10, 6}}, {{3, 1}}};
  const auto labels = torch::tensor({20, 21, 22, 23, 24, 25}, at::kLong);
  const TrainingBatch apart{
      texts, {labels, {}, {1, 1, 1, 1, 1, 1}}, torch::tensor({5, 10, 15, 22, 25, 27}, at::kLong)};
  const TrainingBatch together{
      joined, {labels, {}, {1, 1, 1, 1, 1, 1}}, torch::tensor({5, 8, 9, 10, 13, 14}, at::kLong)};
  for (const bool lora : {false, true}) {
    SCOPED_TRACE(lora);
    const auto model = LlamaModel::Create(TinyConfig(), 1);
    Random random(5);
    if (lora) {
      OPENP5_ASSERT_OK(model->AddLora({.rank = 3}, /*first_trained_row=*/28, random));
      for (const auto& [name, tensor] : TrainedParameters(model->parameters()))
        tensor.detach().normal_(0, 0.3);
    }
    const at::Tensor expected = model->TokenLosses(apart), got = model->TokenLosses(together);
    EXPECT_TRUE(at::allclose(got, expected, 1e-5, 1e-6)) << got - expected;
    const NamedTensors wanted = GradientsOf(*model, apart),
                       computed = GradientsOf(*model, together);
    for (size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_TRUE(at::allclose(computed[i].second, wanted[i].second, 1e-4, 1e-6))
          << wanted[i].first;
    }
  }
}

// Key heads repeated to the number of query heads are the same model.
TEST(LlamaTest, GroupedQueriesShareTheirKeyHead) {
  LlamaConfig config = TinyConfig();
  const auto grouped = LlamaModel::Create(config, 2);
  config.num_key_value_heads = 4;
  NamedTensors weights;
  for (const auto& [name, tensor] : grouped->parameters()) {
    at::Tensor weight = tensor.detach().clone();
    if (name.ends_with("k_proj.weight") || name.ends_with("v_proj.weight")) {
      weight = weight.view({2, 4, 12}).repeat_interleave(2, 0).view({16, 12});
    }
    weights.emplace_back(name, weight);
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto full,
                              LlamaModel::FromStateDict(config, weights, c10::ScalarType::Float));
  const PackedBatch batch = Pack({{3, 4, 5, 6}, {7, 8}});
  EXPECT_LE((LogitsOf(*grouped, batch) - LogitsOf(*full, batch)).abs().max().item<float>(), 1e-5);
}

TEST(LlamaTest, ANewAdapterChangesNothingAndTrainsOnlyItselfAndAddedRows) {
  auto model = LlamaModel::Create(TinyConfig(), 3);
  Random random(5);
  model->ResizeVocabulary(33, random);
  const PackedBatch batch = Pack({{3, 31, 5}, {32, 30}});
  const at::Tensor before = LogitsOf(*model, batch);
  OPENP5_ASSERT_OK(model->AddLora({.rank = 3}, /*first_trained_row=*/30, random));
  EXPECT_LE((LogitsOf(*model, batch) - before).abs().max().item<float>(), 1e-6);
  for (const auto& [name, tensor] : model->parameters()) {
    const bool trained =
        name.find(".lora_") != std::string::npos || name.ends_with(".added.weight");
    EXPECT_EQ(tensor.requires_grad(), trained) << name;
  }
  EXPECT_EQ(TrainedParameters(model->parameters()).size(), 2u * 2u * 2u + 2u + 2u);
  EXPECT_EQ(FindTensor(model->parameters(), "model.embed_tokens.weight")->size(0), 30);
}

TEST(LlamaTest, MergedWeightsAreTheModelWithItsAdapter) {
  for (const bool tied : {false, true}) {
    SCOPED_TRACE(tied);
    LlamaConfig config = TinyConfig();
    config.tie_word_embeddings = tied;
    auto model = LlamaModel::Create(config, 3);
    Random random(5);
    LoraConfig lora{.rank = 3, .target_modules = {"q_proj", "down_proj"}};
    if (!tied) lora.target_modules = {"q_proj", "down_proj", "embed_tokens", "lm_head"};
    OPENP5_ASSERT_OK(model->AddLora(lora, /*first_trained_row=*/28, random));
    for (const auto& [name, tensor] : TrainedParameters(model->parameters()))
      tensor.detach().normal_(0, 0.3);
    const PackedBatch batch = Pack({{3, 29, 5, 28}, {7, 8}});
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto merged,
        LlamaModel::FromStateDict(config, model->MergedWeights(), c10::ScalarType::Float));
    EXPECT_LE((LogitsOf(*model, batch) - LogitsOf(*merged, batch)).abs().max().item<float>(), 1e-4);
    // The adapter as a checkpoint of ours keeps it.
    const auto again = Reload(*model, *LlamaConfig::FromHuggingFace(model->ToHuggingFace()));
    EXPECT_TRUE(torch::equal(LogitsOf(*model, batch), LogitsOf(*again, batch)));
    EXPECT_EQ(TrainedParameters(again->parameters()).size(),
              TrainedParameters(model->parameters()).size());
  }
}

// An adapter of a tied table changes one side of it: merged, the model has two tables.
TEST(LlamaTest, MergedWeightsOfATiedTableAreUntied) {
  const std::vector<std::vector<std::string>> cases = {
      {"q_proj", "embed_tokens"}, {"lm_head"}, {"embed_tokens", "lm_head"}};
  for (const auto& targets : cases) {
    for (const int64_t first_trained : {28, 30}) {  // with and without added tokens
      LlamaConfig config = TinyConfig();
      config.tie_word_embeddings = true;
      auto model = LlamaModel::Create(config, 3);
      const at::Tensor base = model->embeddings().detach().clone();
      Random random(5);
      OPENP5_ASSERT_OK(
          model->AddLora({.rank = 3, .target_modules = targets}, first_trained, random));
      for (const auto& [name, tensor] : TrainedParameters(model->parameters()))
        tensor.detach().normal_(0, 0.3);
      const PackedBatch batch = Pack({{3, 29, 5, 28}, {7, 8}});
      const at::Tensor logits = LogitsOf(*model, batch);
      const NamedTensors weights = model->MergedWeights();
      if (targets.size() == 1) {  // only the head
        EXPECT_TRUE(torch::equal(FindTensor(weights, "model.embed_tokens.weight")->narrow(0, 0, 28),
                                 base.narrow(0, 0, 28)));
      } else if (targets.back() == "embed_tokens") {
        EXPECT_TRUE(torch::equal(FindTensor(weights, "lm_head.weight")->narrow(0, 0, 28),
                                 base.narrow(0, 0, 28)));
      }
      config.tie_word_embeddings = false;
      OPENP5_ASSERT_OK_AND_ASSIGN(
          const auto merged, LlamaModel::FromStateDict(config, weights, c10::ScalarType::Float));
      EXPECT_LE((logits - LogitsOf(*merged, batch)).abs().max().item<float>(), 1e-4);
      const auto again = Reload(*model, *LlamaConfig::FromHuggingFace(model->ToHuggingFace()));
      EXPECT_TRUE(torch::equal(logits, LogitsOf(*again, batch)));
      // What the file has counts, whatever the config says.
      config.tie_word_embeddings = true;
      OPENP5_ASSERT_OK_AND_ASSIGN(
          const auto untied, LlamaModel::FromStateDict(config, weights, c10::ScalarType::Float));
      EXPECT_FALSE(untied->config().tie_word_embeddings);
      EXPECT_TRUE(torch::equal(LogitsOf(*merged, batch), LogitsOf(*untied, batch)));
    }
  }
}

TEST(LlamaTest, KeepsBfloat16WeightsAsTheyAre) {
  const auto model = LlamaModel::Create(TinyConfig(), 3);
  const auto half = Reload(*model, TinyConfig(), c10::ScalarType::BFloat16);
  EXPECT_EQ(half->parameters()[0].second.scalar_type(), at::kBFloat16);
  const PackedBatch batch = Pack({{3, 4, 5, 6}});
  EXPECT_LE((LogitsOf(*half, batch) - LogitsOf(*model, batch)).abs().max().item<float>(), 0.1);
}

// A mapped or given tensor of the right type is not copied.
TEST(LlamaTest, LoadsWithoutASecondCopy) {
  const auto model = LlamaModel::Create(TinyConfig(), 3);
  NamedTensors weights;
  for (const auto& [name, tensor] : model->parameters())
    weights.emplace_back(name, tensor.detach());
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto loaded,
      LlamaModel::FromStateDict(TinyConfig(), std::move(weights), c10::ScalarType::Float));
  EXPECT_EQ(loaded->parameters()[0].second.data_ptr(), model->parameters()[0].second.data_ptr());
}

TEST(LlamaTest, Qwen3HasNormsOfHeadsAndQwen2Biases) {
  nlohmann::json json = TinyConfig().ToHuggingFace();
  json.erase("attention_bias");
  json["model_type"] = "qwen3";
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto three, CreateLanguageModel(json, 1));
  EXPECT_NE(FindTensor(three->parameters(), "model.layers.0.self_attn.q_norm.weight"), nullptr);
  json["model_type"] = "qwen2";
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto two, CreateLanguageModel(json, 1));
  EXPECT_NE(FindTensor(two->parameters(), "model.layers.1.self_attn.k_proj.bias"), nullptr);
  EXPECT_EQ(FindTensor(two->parameters(), "model.layers.1.self_attn.o_proj.bias"), nullptr);
  EXPECT_EQ(two->ToHuggingFace()["architectures"][0], "Qwen2ForCausalLM");
}

TEST(LlamaTest, NamesWhatIsWrongWithWeights) {
  const auto model = LlamaModel::Create(TinyConfig(), 1);
  const auto load = [&](auto change) {
    NamedTensors weights;
    for (const auto& [name, tensor] : model->parameters())
      weights.emplace_back(name, tensor.detach());
    change(&weights);
    return LlamaModel::FromStateDict(TinyConfig(), weights, c10::ScalarType::Float).status();
  };
  EXPECT_THAT(load([](NamedTensors* w) { w->erase(w->begin()); }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("model.embed_tokens.weight")));
  EXPECT_THAT(load([](NamedTensors* w) { w->pop_back(); }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("lm_head.weight")));
  EXPECT_THAT(load([](NamedTensors* w) {
                (*w)[2].second = at::zeros({2, 3});
              }),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("q_proj.weight"), HasSubstr("got [2, 3]"))));
  EXPECT_THAT(load([](NamedTensors* w) { w->emplace_back("visual.weight", at::zeros({1})); }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("visual.weight")));
  OPENP5_EXPECT_OK(load([](NamedTensors* w) {
    w->emplace_back("model.layers.0.self_attn.rotary_emb.inv_freq", at::zeros({2}));
  }));
}

TEST(LlamaConfigTest, RoundTripsAndNamesWhatIsWrong) {
  LlamaConfig config = TinyConfig();
  config.rotary = {.theta = 500000, .type = "llama3", .factor = 8};
  config.lora = {.rank = 4, .target_modules = {"v_proj"}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const LlamaConfig again,
                              LlamaConfig::FromHuggingFace(config.ToHuggingFace()));
  EXPECT_EQ(again.ToHuggingFace(), config.ToHuggingFace());
  const auto with = [](const char* name, nlohmann::json value) {
    nlohmann::json json = TinyConfig().ToHuggingFace();
    json[name] = std::move(value);
    return LlamaConfig::FromHuggingFace(json).status();
  };
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(with("hidden_act", "gelu"), invalid("hidden_act: expected silu, got gelu"));
  EXPECT_THAT(with("num_key_value_heads", 3), invalid("num_key_value_heads: expected a divisor"));
  EXPECT_THAT(with("head_dim", 5), invalid("head_dim: expected an even number"));
  EXPECT_THAT(with("hidden_size", nullptr), invalid("hidden_size"));
  EXPECT_THAT(with("use_sliding_window", true), invalid("use_sliding_window"));
  EXPECT_THAT(with("rope_scaling", {{"rope_type", "yarn"}}), invalid("got yarn"));
  EXPECT_THAT(with("rope_scaling", {{"rope_type", "linear"}, {"factor", 0}}), invalid("factor"));
  OPENP5_EXPECT_OK(with("eos_token_id", {128001, 128008}));
}

TEST(LlamaConfigTest, FieldsOfTransformers5) {
  nlohmann::json json = TinyConfig().ToHuggingFace();
  json.erase("rope_theta");
  json["rope_parameters"] = {{"rope_type", "llama3"},
                             {"rope_theta", 500000.0},
                             {"factor", 8.0},
                             {"low_freq_factor", 1.0},
                             {"high_freq_factor", 4.0}};
  json["dtype"] = "float32";
  json["layer_types"] = {"full_attention", "full_attention"};
  json["use_sliding_window"] = true;  // of no layer
  OPENP5_ASSERT_OK_AND_ASSIGN(const LlamaConfig config, LlamaConfig::FromHuggingFace(json));
  EXPECT_EQ(config.rotary.theta, 500000);
  EXPECT_EQ(config.rotary.type, "llama3");
  EXPECT_EQ(config.rotary.original_max_position_embeddings, config.rotary.max_position_embeddings);

  const auto with = [&](const char* name, const nlohmann::json& value) {
    nlohmann::json changed = json;
    changed[name] = value;
    return LlamaConfig::FromHuggingFace(changed).status();
  };
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(with("layer_types", {"full_attention", "sliding_attention"}),
              invalid("layer_types: expected full_attention only, got \"sliding_attention\""));
  EXPECT_THAT(with("rope_parameters", {{"full_attention", {{"rope_theta", 1e6}}}}),
              invalid("rope_parameters: full_attention: expected one rotation"));
  EXPECT_THAT(with("rope_parameters", {{"partial_rotary_factor", 0.5}}),
              invalid("partial_rotary_factor"));
  EXPECT_THAT(with("rope_parameters", {{"rope_type", "linear"}}),
              invalid("rope_parameters: factor: expected it for rope_type linear, got none"));
}

TEST(LlamaConfigTest, WhatTheFamilyTakesWhereTheConfigDoesNotSay) {
  nlohmann::json json = TinyConfig().ToHuggingFace();
  json["hidden_size"] = 4096;
  json["num_attention_heads"] = 64;
  for (const char* name : {"num_key_value_heads", "head_dim", "max_position_embeddings"})
    json.erase(name);
  const auto of = [&](const char* type) {
    json["model_type"] = type;
    auto config = LlamaConfig::FromHuggingFace(json);
    EXPECT_THAT(config, testing::IsOk());
    return *config;
  };
  EXPECT_EQ(of("llama").num_key_value_heads, 64);
  EXPECT_EQ(of("llama").head_dim, 64);
  EXPECT_EQ(of("qwen2").num_key_value_heads, 32);
  EXPECT_EQ(of("qwen2").head_dim, 64);
  EXPECT_EQ(of("qwen3").head_dim, 128);
  EXPECT_EQ(of("qwen3").rotary.max_position_embeddings, 32768);
  // Not Qwen 2's fields.
  json["attention_bias"] = false;
  json["mlp_bias"] = true;
  EXPECT_TRUE(of("qwen2").qkv_bias);
  EXPECT_FALSE(of("qwen2").output_bias);
  EXPECT_FALSE(of("qwen2").mlp_bias);
}

TEST(LlamaConfigTest, AbsurdNumbersAreRefusedByName) {
  const auto with = [](const char* name, nlohmann::json value) {
    nlohmann::json json = TinyConfig().ToHuggingFace();
    json[name] = std::move(value);
    if (std::string_view(name) == "num_attention_heads") json.erase("head_dim");
    return LlamaConfig::FromHuggingFace(json).status();
  };
  const std::pair<const char*, nlohmann::json> wrong[] = {{"rms_norm_eps", -1.0},
                                                          {"rms_norm_eps", 1e308},
                                                          {"rms_norm_eps", 0.5},
                                                          {"initializer_range", -0.1},
                                                          {"rope_theta", 0},
                                                          {"rope_theta", -1e4},
                                                          {"hidden_size", 0},
                                                          {"hidden_size", -12},
                                                          {"num_hidden_layers", 1 << 20},
                                                          {"num_attention_heads", 5},
                                                          {"num_key_value_heads", 0},
                                                          {"head_dim", 1 << 23},
                                                          {"quantization_config", {{"bits", 4}}}};
  for (const auto& [name, value] : wrong) {
    EXPECT_THAT(with(name, value), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name)))
        << value.dump();
  }
  nlohmann::json lora = LoraConfig{.rank = 2, .dropout = 1.5}.ToPeft();
  EXPECT_THAT(with("openp5_lora", lora),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("lora_dropout")));
}

TEST(LlamaPresetTest, EveryPresetIsAConfigOfAKnownFamily) {
  for (const std::string& name : PresetNames()) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto config, PresetConfig(name));
    OPENP5_EXPECT_OK(CountParameters(config));
  }
  // Those of the models they are called after.
  EXPECT_EQ(*CountParameters(*PresetConfig("llama-7b")), 6'738'415'616);
  EXPECT_EQ(*CountParameters(*PresetConfig("llama-1b")), 1'100'048'384);  // TinyLlama's
  EXPECT_THAT(CreateLanguageModel({{"model_type", "bert"}}, 1),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("llama, qwen2, qwen3, t5"), HasSubstr("bert"))));
}

TEST(LoraTest, RefusesUnknownModules) {
  auto model = LlamaModel::Create(TinyConfig(), 1);
  Random random(1);
  EXPECT_THAT(model->AddLora({.rank = 2, .target_modules = {"wq"}}, 30, random),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got wq")));
}

// Angles by the formulas of the scalings, in double.
TEST(RotaryTest, AnglesFollowTheScaling) {
  const int64_t dim = 8, position = 37;
  const auto angle = [&](const RotaryConfig& config, int64_t length) {
    const Rotation rotation =
        MakeRotation(config, dim, torch::tensor({position}, at::kLong), {length});
    return at::atan2(rotation.sine, rotation.cosine).view({-1});
  };
  const auto wrapped = [](double x) { return std::remainder(x, 2 * M_PI); };
  const auto expect = [&](const RotaryConfig& config, int64_t length, auto inverse) {
    const at::Tensor got = angle(config, length);
    for (int64_t i = 0; i < dim / 2; ++i) {
      EXPECT_NEAR(got[i].item<double>(), wrapped(inverse(i) * position), 1e-4)
          << config.type << " " << i;
    }
  };
  const auto plain = [&](double theta) {
    return [=](int64_t i) { return std::pow(theta, -2.0 * static_cast<double>(i) / dim); };
  };
  expect({}, 40, plain(10000));
  expect({.type = "linear", .factor = 4}, 40, [&](int64_t i) { return plain(10000)(i) / 4; });
  const RotaryConfig dynamic{.type = "dynamic", .factor = 2, .max_position_embeddings = 20};
  expect(dynamic, 20, plain(10000));  // short enough: as it was
  expect(dynamic, 40, plain(10000 * std::pow(2.0 * 40 / 20 - 1, 8.0 / 6)));
  const RotaryConfig llama3{
      .theta = 500000, .type = "llama3", .factor = 8, .original_max_position_embeddings = 64};
  expect(llama3, 40, [&](int64_t i) {
    const double inverse = plain(500000)(i), wavelength = 2 * M_PI / inverse;
    if (wavelength < 64.0 / 4) return inverse;
    if (wavelength > 64.0) return inverse / 8;
    const double smooth = (64 / wavelength - 1) / 3;
    return (1 - smooth) * inverse / 8 + smooth * inverse;
  });
}

}  // namespace
}  // namespace openp5::models

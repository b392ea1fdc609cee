#include "platform/models/llama/llama.h"

#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "checkpoints/hugging_face.h"
#include "checkpoints/peft.h"
#include "indexing/token_trie.h"
#include "platform/base/file.h"
#include "platform/decoding/beam_search.h"
#include "platform/tensor/safetensors.h"
#include "tests/golden/packing.h"
#include "tests/testing/testing.h"
#include "trainers/loss.h"
#include "trainers/optimizer.h"
#include "trainers/schedule.h"

namespace openp5 {
namespace {

using ::openp5::testing::Excess;
using ::openp5::testing::RealPlaces;
using ::openp5::testing::RowLengths;
using ::openp5::testing::Shared;
using Json = nlohmann::json;

std::string Golden(const std::string& name) { return Shared("golden/08_llama/" + name); }

Json ReadJson(const std::string& path) {
  const auto text = ReadFile(path);
  EXPECT_THAT(text, testing::IsOk());
  return Json::parse(*text);
}

NamedTensors ReadTensors(const std::string& path) {
  auto tensors = ReadSafetensors(path);
  EXPECT_THAT(tensors, testing::IsOk());
  return *std::move(tensors);
}

std::unique_ptr<models::LlamaModel> ReadModel(const std::string& folder,
                                              const NamedTensors& adapter = {},
                                              const models::LoraConfig& lora = {}) {
  auto read = checkpoints::ReadHuggingFaceFolder(folder);
  EXPECT_THAT(read, testing::IsOk());
  auto config = models::LlamaConfig::FromHuggingFace(read->config);
  EXPECT_THAT(config, testing::IsOk());
  config->lora = lora;
  read->weights.insert(read->weights.end(), adapter.begin(), adapter.end());
  auto model =
      models::LlamaModel::FromStateDict(*config, std::move(read->weights), c10::ScalarType::Float);
  EXPECT_THAT(model, testing::IsOk());
  return *std::move(model);
}

// The rows of a left-padded batch, and where each token stood in it.
struct Batch {
  models::TrainingBatch packed;
  at::Tensor mask;       // [B, S]
  at::Tensor positions;  // [tokens], counted from the left edge, padding included
};

Batch StepBatch(const NamedTensors& tensors, int64_t step, int64_t rows = -1) {
  const auto get = [&](const char* name) {
    at::Tensor tensor = *FindTensor(tensors, StrCat("step", step, ".", name));
    return rows < 0 ? tensor : tensor.narrow(0, 0, rows);
  };
  Batch batch;
  batch.mask = get("attention_mask");
  const at::Tensor kept = batch.mask.to(at::kBool), labels = get("labels").masked_select(kept);
  batch.packed.input = {get("input_ids").masked_select(kept), at::Tensor(), RowLengths(batch.mask)};
  batch.positions =
      at::arange(batch.mask.size(1)).unsqueeze(0).expand_as(batch.mask).masked_select(kept);
  const at::Tensor labelled = labels.ne(-100);
  batch.packed.labels.tokens = labels.masked_select(labelled);
  batch.packed.label_positions = labelled.nonzero().squeeze(1) - 1;
  return batch;
}

class GoldenLlamaTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenLlamaTest, HiddenStatesLogitsLossAndGradients) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string folder = Golden(StrCat("llama_", GetParam()));
  const auto model = ReadModel(folder);
  const NamedTensors expected = ReadTensors(folder + "/batch0_outputs.safetensors");
  const Batch batch = StepBatch(ReadTensors(Golden("training_batches.safetensors")), 0);
  std::vector<at::Tensor> layers;
  const at::Tensor hidden = model->Forward(batch.packed.input, batch.positions, &layers);
  ASSERT_EQ(layers.size(), 3u);
  for (size_t i = 0; i < layers.size(); ++i) {
    const at::Tensor* wanted = FindTensor(expected, StrCat("hidden_state_", i));
    EXPECT_LE(Excess(layers[i], RealPlaces(*wanted, batch.mask), 1e-5, 1e-5), 0) << i;
  }
  const at::Tensor logits = RealPlaces(*FindTensor(expected, "logits"), batch.mask);
  EXPECT_LE(Excess(model->Logits(hidden), logits, 1e-5, 1e-5), 0);
  // Positions counted from each row's first token turn queries and keys alike.
  EXPECT_LE(Excess(model->Logits(model->Forward(batch.packed.input)), logits, 5e-5, 1e-5), 0);

  const at::Tensor loss = model->TokenLosses(batch.packed).mean();
  EXPECT_NEAR(loss.item<double>(), FindTensor(expected, "loss")->item<double>(), 1e-5);
  loss.backward();
  const NamedTensors gradients = ReadTensors(folder + "/batch0_gradients.safetensors");
  for (const auto& [name, parameter] : model->parameters()) {
    const at::Tensor* wanted = FindTensor(gradients, name);
    ASSERT_NE(wanted, nullptr) << name;
    EXPECT_LE(Excess(parameter.grad(), *wanted, 1e-4, 1e-4), 0) << name;
  }
}

models::LoraConfig ReadLora(const std::string& folder) {
  auto adapter = checkpoints::ReadPeftAdapter(folder);
  EXPECT_THAT(adapter, testing::IsOk());
  auto lora = models::LoraConfig::FromPeft(adapter->config);
  EXPECT_THAT(lora, testing::IsOk());
  return *lora;
}

TEST_P(GoldenLlamaTest, LoraOnOffAndMerged) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string folder = Golden(StrCat("lora_", GetParam()));
  const std::string files = folder + "/adapter_safetensors";
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto adapter, checkpoints::ReadPeftAdapter(files));
  const std::string base = Golden(StrCat("llama_", GetParam()));
  const auto model = ReadModel(base, adapter.tensors, ReadLora(files));
  const NamedTensors expected = ReadTensors(folder + "/outputs.safetensors");
  const Batch batch = StepBatch(ReadTensors(Golden("training_batches.safetensors")), 0, 3);
  const auto expect_logits = [&](models::LlamaModel& of, const char* name, double tolerance) {
    const at::Tensor wanted = RealPlaces(*FindTensor(expected, name), batch.mask);
    const at::Tensor got = of.Logits(of.Forward(batch.packed.input, batch.positions));
    EXPECT_LE(Excess(got, wanted, tolerance, tolerance), 0) << name;
  };
  expect_logits(*model, "logits_with_adapter", 1e-5);
  model->EnableLora(false);
  expect_logits(*model, "logits_adapter_disabled", 1e-5);

  const NamedTensors merged = model->MergedWeights();
  for (const auto& [name, tensor] : expected) {
    if (!name.starts_with("merged.")) continue;
    const at::Tensor* own = FindTensor(merged, name.substr(7));
    ASSERT_NE(own, nullptr) << name;
    EXPECT_LE(Excess(*own, tensor, 1e-5, 1e-5), 0) << name;
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto plain,
      models::LlamaModel::FromStateDict(ReadModel(base)->config(), merged, c10::ScalarType::Float));
  expect_logits(*plain, "logits_after_merge", 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Heads, GoldenLlamaTest, ::testing::Values("kv2", "kv4"),
                         [](const auto& info) { return std::string(info.param); });

TEST(GoldenLlamaTrainingTest, FiveStepsOfAnAdapterEqualPefts) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string folder = Golden("lora_kv4/");
  const Json run = ReadJson(folder + "training.json");
  // Under PEFT's names in training, with the name of the adapter in them.
  const auto rename = [](NamedTensors tensors) {
    for (auto& [name, tensor] : tensors) {
      if (name.starts_with("base_model.model.")) name.erase(0, 17);
      if (const size_t at = name.find(".default"); at != std::string::npos) name.erase(at, 8);
    }
    return tensors;
  };
  const NamedTensors initial = rename(ReadTensors(folder + "training_initial_adapter.safetensors"));
  models::LoraConfig lora = ReadLora(folder + "adapter_safetensors");
  lora.dropout = run["lora_dropout"].get<double>();
  const auto model = ReadModel(Golden("llama_kv4"), initial, lora);
  model->SetTraining(true);
  const NamedTensors trained = models::TrainedParameters(model->parameters());
  ASSERT_EQ(trained.size(), run["trainable"].size());
  trainers::AdamW optimizer(trained, {.beta1 = run["betas"][0].get<double>(),
                                      .beta2 = run["betas"][1].get<double>(),
                                      .epsilon = run["eps"].get<double>(),
                                      .weight_decay = run["weight_decay"].get<double>(),
                                      .clip = run["clip"].get<double>(),
                                      .torch_form = true});
  Registry<trainers::ScheduleFunction> schedules("schedule");
  OPENP5_ASSERT_OK(trainers::RegisterBuiltinSchedules(&schedules));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto* schedule, schedules.Find("linear-from-zero"));
  const trainers::ScheduleLength length{.warmup_steps = run["warmup_steps"].get<int64_t>(),
                                        .total_steps = run["total_steps"].get<int64_t>()};
  const NamedTensors batches = ReadTensors(Golden("training_batches.safetensors"));
  for (const Json& step : run["steps"]) {
    const int64_t number = step["step"].get<int64_t>();
    SCOPED_TRACE(StrCat("step ", number));
    const Batch batch = StepBatch(batches, number);
    const at::Tensor hidden = model->Forward(batch.packed.input, batch.positions);
    const at::Tensor loss = trainers::MeanOfTokens(
        at::cross_entropy_loss(model->Logits(hidden.index_select(0, batch.packed.label_positions)),
                               batch.packed.labels.tokens, {}, at::Reduction::None),
        {});
    loss.backward();
    EXPECT_NEAR(loss.item<double>(), step["loss"].get<double>(), 1e-4);
    const double rate = run["lr"].get<double>() * (*schedule)(number, length);
    EXPECT_NEAR(rate, step["lr_used"].get<double>(), 1e-12);
    const double norm = step["grad_norm_before_clip"].get<double>();
    EXPECT_NEAR(optimizer.Step(rate), norm, 1e-4 * norm);
    optimizer.ZeroGradients();
  }
  for (const auto& [name, wanted] :
       rename(ReadTensors(folder + "training_final_adapter.safetensors"))) {
    const at::Tensor* own = FindTensor(trained, name);
    ASSERT_NE(own, nullptr) << name;
    EXPECT_LE(Excess(own->detach(), wanted, 1e-4, 1e-4), 0) << name;
  }
}

class GoldenLlamaBeamSearchTest : public ::testing::TestWithParam<const char*> {};

// The recorded trie starts with "Response: ", entered where the prompt ends in it: here the tree
// is of what follows.
TEST_P(GoldenLlamaBeamSearchTest, SequencesAndScores) {
  OPENP5_SKIP_WITHOUT_SHARED();
  const std::string folder = Golden(StrCat("beam_", GetParam(), "/"));
  const auto model = ReadModel(folder);
  const Json data = ReadJson(folder + "beam_search.json");
  const NamedTensors tensors = ReadTensors(folder + "beam_search.safetensors");
  const at::Tensor ids = *FindTensor(tensors, "input_ids"),
                   mask = *FindTensor(tensors, "attention_mask");
  const models::PackedBatch prompts{ids.masked_select(mask.to(at::kBool)), at::Tensor(),
                                    RowLengths(mask)};
  const int64_t padded = ids.size(1), keyword = data["keyword_token_id"].get<int64_t>();
  const int64_t prefix = padded - ids[0].eq(keyword).nonzero().squeeze(1)[0].item<int64_t>();
  std::vector<std::vector<int32_t>> sequences;
  for (const Json& candidate : data["candidate_token_ids"]) {
    const auto tokens = candidate.get<std::vector<int32_t>>();
    sequences.emplace_back(tokens.begin() + prefix, tokens.end());
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto trie, indexing::TokenTrie::Create(sequences));
  for (const int64_t beams : {10, 20}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(
        const auto lists,
        decoding::BeamSearch(*model, prompts, trie, {},
                             {.beams = beams,
                              .max_length = data["max_new_tokens"].get<int64_t>() + 1,
                              .end_token = 2,
                              .added_score_length = padded - 1,
                              .late_stop_length = true}));
    const at::Tensor rows = *FindTensor(tensors, StrCat("beams", beams, "_sequences"));
    const at::Tensor scores = *FindTensor(tensors, StrCat("beams", beams, "_scores"));
    for (size_t user = 0; user < lists.size(); ++user) {
      ASSERT_EQ(static_cast<int64_t>(lists[user].size()), beams);
      for (int64_t rank = 0; rank < beams; ++rank) {
        const decoding::Hypothesis& got = lists[user][static_cast<size_t>(rank)];
        const int64_t row = static_cast<int64_t>(user) * beams + rank;
        EXPECT_NEAR(got.score, scores[row].item<double>(), 1e-4) << "row " << row;
        std::vector<int32_t> wanted;
        for (int64_t i = padded - 1; i < rows.size(1); ++i) {
          wanted.push_back(rows[row][i].item<int32_t>());
          if (wanted.back() == 2) break;
        }
        EXPECT_EQ(got.tokens, wanted) << "row " << row;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Heads, GoldenLlamaBeamSearchTest, ::testing::Values("kv2", "kv4"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace openp5

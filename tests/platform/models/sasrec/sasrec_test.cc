#include "platform/models/sasrec/sasrec.h"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

constexpr SasrecConfig kConfig{
    .item_count = 30, .hidden_size = 12, .num_layers = 2, .num_heads = 3, .max_length = 7};

// A model whose every parameter, biases and norms too, is random.
std::unique_ptr<SasrecModel> RandomModel() {
  auto model = SasrecModel::Create(kConfig, /*seed=*/1);
  at::manual_seed(2);
  for (const auto& [name, tensor] : model->parameters()) tensor.detach().normal_(0, 0.4);
  return model;
}

PackedBatch Pack(const std::vector<std::vector<int64_t>>& sequences) {
  PackedBatch batch;
  std::vector<int64_t> tokens;
  for (const auto& sequence : sequences) {
    tokens.insert(tokens.end(), sequence.begin(), sequence.end());
    batch.lengths.push_back(static_cast<int64_t>(sequence.size()));
  }
  batch.tokens = torch::tensor(tokens, torch::kLong);
  return batch;
}

const std::vector<std::vector<int64_t>> kHistories = {
    {3, 29, 5, 3, 0, 7, 1}, {11}, {4, 4, 9}, {8, 12}};

// The state after each item of one history, from sequences padded on the left to max_length, as in
// the paper, with its formulas and torch's plain operators.
class PaddedReference {
 public:
  explicit PaddedReference(const SasrecModel& model)
      : config_(model.config()), parameters_(model.parameters()) {}

  at::Tensor States(const std::vector<int64_t>& history) const {
    const int64_t n = config_.max_length, d = config_.hidden_size;
    const auto length = static_cast<int64_t>(history.size());
    std::vector<int64_t> padded(static_cast<size_t>(n - length), 0);
    padded.insert(padded.end(), history.begin(), history.end());
    at::Tensor x = Weight("item_embeddings").index_select(0, torch::tensor(padded)) *
                       std::sqrt(static_cast<double>(d)) +
                   Weight("position_embeddings");
    for (int64_t i = 0; i < config_.num_layers; ++i) {
      const std::string name = "layers." + std::to_string(i) + ".";
      x = x + Attention(name, Norm(name + "attention_norm", x), n - length);
      const at::Tensor inner =
          at::relu(Affine(name + "feed_forward.inner", Norm(name + "feed_forward_norm", x)));
      x = x + Affine(name + "feed_forward.outer", inner);
    }
    return Norm("final_norm", x).slice(0, n - length);
  }

 private:
  at::Tensor Weight(const std::string& name) const {
    return FindTensor(parameters_, name + ".weight")->detach();
  }
  at::Tensor Bias(const std::string& name) const {
    return FindTensor(parameters_, name + ".bias")->detach();
  }
  at::Tensor Affine(const std::string& name, const at::Tensor& x) const {
    return x.matmul(Weight(name).t()) + Bias(name);
  }
  at::Tensor Norm(const std::string& name, const at::Tensor& x) const {
    const at::Tensor centred = x - x.mean(-1, /*keepdim=*/true);
    const at::Tensor variance = centred.square().mean(-1, /*keepdim=*/true);
    return centred / (variance + 1e-8).sqrt() * Weight(name) + Bias(name);
  }
  // A position sees itself and what is before it, but no padding.
  at::Tensor Attention(const std::string& name, const at::Tensor& x, int64_t padding) const {
    const int64_t n = config_.max_length, depth = config_.hidden_size / config_.num_heads;
    at::Tensor hidden = at::ones({n, n}, torch::kBool).triu(1);
    for (int64_t query = padding; query < n; ++query) hidden[query].narrow(0, 0, padding).fill_(1);
    const at::Tensor q = Affine(name + "attention.query", x), k = Affine(name + "attention.key", x),
                     v = Affine(name + "attention.value", x);
    std::vector<at::Tensor> heads;
    for (int64_t head = 0; head < config_.num_heads; ++head) {
      const auto part = [&](const at::Tensor& t) { return t.narrow(1, head * depth, depth); };
      const at::Tensor scores =
          (part(q).matmul(part(k).t()) / std::sqrt(static_cast<double>(depth)))
              .masked_fill(hidden, -std::numeric_limits<float>::infinity());
      heads.push_back(at::softmax(scores, -1).matmul(part(v)));
    }
    return at::cat(heads, 1);
  }

  const SasrecConfig config_;
  const NamedTensors& parameters_;
};

TEST(SasrecTest, EqualsAPaddedReference) {
  const auto model = RandomModel();
  const PaddedReference reference(*model);
  std::vector<at::Tensor> expected;
  for (const auto& history : kHistories) expected.push_back(reference.States(history));
  const at::Tensor states = model->Forward(Pack(kHistories));
  EXPECT_TRUE(at::allclose(states, at::cat(expected), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(
      model->Scores(states),
      states.matmul(FindTensor(model->parameters(), "item_embeddings.weight")->t()), 1e-4, 1e-5));
}

TrainingBatch Labelled() {
  TrainingBatch batch;
  batch.input = Pack(kHistories);
  batch.labels = Pack({{2, 4, 6}, {8}, {29, 0, 1}, {5}});
  batch.label_positions = torch::tensor({0, 3, 6, 7, 8, 9, 10, 12}, torch::kLong);
  return batch;
}

std::vector<at::Tensor> Gradients(const SasrecModel& model, const TrainingBatch& batch) {
  model.Losses(batch).sum().backward();
  std::vector<at::Tensor> gradients;
  for (const auto& [name, tensor] : model.parameters()) {
    gradients.push_back(tensor.grad().clone());
    tensor.mutable_grad().reset();
  }
  return gradients;
}

TEST(SasrecTest, TheLossIsTheCrossEntropyOfTheLabels) {
  const auto model = RandomModel();
  const TrainingBatch batch = Labelled();
  const at::Tensor chances = at::log_softmax(
      model->Scores(model->Forward(batch.input).index_select(0, batch.label_positions)), -1);
  const at::Tensor losses = model->Losses(batch);
  for (int64_t i = 0; i < losses.size(0); ++i) {
    EXPECT_FLOAT_EQ(losses[i].item<float>(),
                    -chances[i][batch.labels.tokens[i].item<int64_t>()].item<float>());
  }
}

TEST(SasrecTest, WithAllItemsAsNegativesTheSampledLossIsTheFullOne) {
  const auto model = RandomModel();
  TrainingBatch batch = Labelled();
  const at::Tensor full = model->Losses(batch).detach();
  const auto full_gradients = Gradients(*model, batch);
  batch.negatives = torch::randperm(kConfig.item_count, torch::kLong);
  EXPECT_TRUE(at::allclose(model->Losses(batch), full, 1e-5, 1e-5));
  const auto gradients = Gradients(*model, batch);
  for (size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(at::allclose(gradients[i], full_gradients[i], 1e-4, 1e-5)) << i;
  }
}

// The sum that a sampled loss puts in the place of all items' is right on average.
TEST(SasrecTest, TheSampledSumIsUnbiased) {
  const auto model = RandomModel();
  TrainingBatch batch = Labelled();
  const c10::AutoGradMode no_gradients(false);
  const at::Tensor states = model->Forward(batch.input).index_select(0, batch.label_positions);
  const at::Tensor scores = model->Scores(states);
  const at::Tensor of_label = scores.gather(1, batch.labels.tokens.unsqueeze(1)).squeeze(1);
  const at::Tensor expected = scores.exp().sum(1) / of_label.exp();
  // Every window of 5 of a ring of all items: each item is drawn as often as any other.
  at::Tensor mean = at::zeros_like(expected);
  const at::Tensor ring = torch::randperm(kConfig.item_count, torch::kLong);
  at::Tensor weight = at::zeros_like(expected);
  for (int64_t first = 0; first < kConfig.item_count; ++first) {
    batch.negatives = ring.roll({first}).narrow(0, 0, 5);
    const at::Tensor holds_label =
        batch.labels.tokens.unsqueeze(1).eq(batch.negatives.unsqueeze(0)).any(1);
    // Weighted by the items drawn besides the label the mean is exact: each counts five times.
    const at::Tensor drawn = 5 - holds_label.to(at::kFloat);
    mean += (model->Losses(batch).exp() - 1) * drawn;
    weight += drawn;
  }
  EXPECT_TRUE(at::allclose(mean / weight + 1, expected, 1e-4, 1e-4));
}

TEST(SasrecTest, NegativesThatAreTheLabelAloneLeaveNothingToLearn) {
  const auto model = RandomModel();
  TrainingBatch batch;
  batch.input = Pack({{1, 2}});
  batch.labels = Pack({{9}});
  batch.label_positions = torch::tensor({1}, torch::kLong);
  batch.negatives = torch::tensor({9}, torch::kLong);
  EXPECT_NEAR(model->Losses(batch).item<double>(), 0, 1e-6);
}

TEST(SasrecTest, DropoutIsOfTrainingOnly) {
  const auto model = SasrecModel::Create(kConfig, /*seed=*/1);
  const PackedBatch batch = Pack(kHistories);
  const at::Tensor plain = model->Forward(batch);
  model->SetTraining(true, 0.5);
  EXPECT_FALSE(torch::equal(model->Forward(batch), plain));
  model->SetTraining(false, 0.5);
  EXPECT_TRUE(torch::equal(model->Forward(batch), plain));
}

TEST(SasrecTest, AStateDictGivesTheSameModel) {
  const auto model = RandomModel();
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto config, SasrecConfig::FromJson(model->config().ToJson()));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto again,
                              SasrecModel::FromStateDict(config, model->parameters()));
  EXPECT_TRUE(torch::equal(again->Forward(Pack(kHistories)), model->Forward(Pack(kHistories))));
  int64_t count = 0;
  for (const auto& [name, tensor] : model->parameters()) count += tensor.numel();
  EXPECT_EQ(kConfig.CountParameters(), count);
}

TEST(SasrecTest, WeightsThatDoNotFitAreNamed) {
  const auto model = RandomModel();
  NamedTensors weights = model->parameters();
  weights.pop_back();
  EXPECT_THAT(SasrecModel::FromStateDict(kConfig, weights),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("final_norm.bias")));
  weights = model->parameters();
  weights.emplace_back("head.weight", at::zeros({1}));
  EXPECT_THAT(SasrecModel::FromStateDict(kConfig, weights),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("head.weight")));
  SasrecConfig other = kConfig;
  other.item_count = 31;
  EXPECT_THAT(SasrecModel::FromStateDict(other, model->parameters()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("item_embeddings.weight: expected shape [31, 12]")));
}

TEST(SasrecTest, WrongConfigsAreNamed) {
  const auto with = [](const char* name, const nlohmann::json& value) {
    nlohmann::json json = kConfig.ToJson();
    json[name] = value;
    return SasrecConfig::FromJson(json);
  };
  EXPECT_THAT(with("num_heads", 5),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("num_heads")));
  EXPECT_THAT(with("max_length", nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("max_length")));
  EXPECT_THAT(with("hidden_size", "64"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hidden_size")));
  EXPECT_THAT(with("num_layers", 5000),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("num_layers")));
}

}  // namespace
}  // namespace openp5::models

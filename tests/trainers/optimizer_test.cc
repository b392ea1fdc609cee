#include "trainers/optimizer.h"

#include <torch/types.h>

#include <cmath>

#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

at::Tensor Leaf(int64_t size, Random* random) {
  at::Tensor tensor = torch::empty({size});
  for (int64_t i = 0; i < size; ++i) tensor[i] = random->Normal();
  return tensor.requires_grad_(true);
}

// One weight as the formula in the header says, in double.
struct Scalar {
  double weight, m = 0, v = 0;
  void Step(double gradient, int t, double lr, double decay, const AdamWOptions& o) {
    m = o.beta1 * m + (1 - o.beta1) * gradient;
    v = o.beta2 * v + (1 - o.beta2) * gradient * gradient;
    const double size = lr * std::sqrt(1 - std::pow(o.beta2, t)) / (1 - std::pow(o.beta1, t));
    weight -= size * m / (std::sqrt(v) + o.epsilon);
    weight -= lr * decay * weight;
  }
};

TEST(OptimizerTest, EqualsTheFormula) {
  Random random(7);
  const AdamWOptions options{.epsilon = 1e-3, .weight_decay = 0.1, .clip = 1.0};
  const NamedTensors parameters = {{"layer.weight", Leaf(5, &random)},
                                   {"relative_attention_bias.weight", Leaf(3, &random)}};
  AdamW optimizer(parameters, options);
  std::vector<std::vector<Scalar>> expected;
  for (const auto& [name, tensor] : parameters) {
    expected.emplace_back();
    for (int64_t i = 0; i < tensor.size(0); ++i) {
      expected.back().push_back({tensor[i].item<double>()});
    }
  }
  for (int t = 1; t <= 6; ++t) {
    const double lr = 0.05 / t;
    double sum = 0;
    std::vector<at::Tensor> gradients;
    for (const auto& [name, tensor] : parameters) {
      gradients.push_back(torch::empty({tensor.size(0)}));
      for (int64_t i = 0; i < tensor.size(0); ++i) {
        // Large ones are clipped, small ones are not.
        gradients.back()[i] = random.Normal() * (t % 2 == 0 ? 3.0 : 0.01);
        sum += std::pow(gradients.back()[i].item<double>(), 2);
      }
      tensor.mutable_grad() = gradients.back().clone();
    }
    const double norm = std::sqrt(sum);
    const double clip = std::min(1.0, options.clip / (norm + 1e-6));
    EXPECT_NEAR(optimizer.Step(lr), norm, 1e-5);
    for (size_t p = 0; p < parameters.size(); ++p) {
      for (int64_t i = 0; i < parameters[p].second.size(0); ++i) {
        Scalar& scalar = expected[p][static_cast<size_t>(i)];
        scalar.Step(gradients[p][i].item<double>() * clip, t, lr,
                    p == 0 ? options.weight_decay : 0.0, options);
        EXPECT_NEAR(parameters[p].second[i].item<double>(), scalar.weight, 1e-6) << t;
      }
    }
  }
}

TEST(OptimizerTest, DecaysAllButBiasesAndLayerNormWeights) {
  EXPECT_TRUE(AdamWOptions().IsDecayed("encoder.block.0.layer.0.layer_norm.weight"));
  EXPECT_TRUE(AdamWOptions().IsDecayed("shared.weight"));
  EXPECT_FALSE(
      AdamWOptions().IsDecayed("encoder.block.0.layer.0.SelfAttention.relative_attention_bias"));
  EXPECT_FALSE(AdamWOptions().IsDecayed("bert.LayerNorm.weight"));
}

TEST(OptimizerTest, ANormThatIsNoNumberChangesNothing) {
  Random random(1);
  const at::Tensor weight = Leaf(3, &random);
  const at::Tensor before = weight.detach().clone();
  AdamW optimizer({{"w", weight}}, {});
  weight.mutable_grad() = torch::full({3}, std::nan(""));
  EXPECT_FALSE(std::isfinite(optimizer.Step(0.1)));
  EXPECT_TRUE(torch::equal(weight, before));
  EXPECT_EQ(FindTensor(optimizer.State(), "w.step")->item<double>(), 0.0);
}

TEST(OptimizerTest, LeavesParametersWithoutGradientAlone) {
  Random random(1);
  const at::Tensor used = Leaf(3, &random), unused = Leaf(3, &random);
  const at::Tensor before = unused.detach().clone();
  AdamW optimizer({{"used", used}, {"unused", unused}}, {});
  used.mutable_grad() = torch::ones({3});
  optimizer.Step(0.1);
  EXPECT_TRUE(torch::equal(unused, before));
}

TEST(OptimizerTest, GoesOnFromItsState) {
  Random random(3);
  const at::Tensor first = Leaf(4, &random);
  AdamW one({{"w", first}}, {});
  const at::Tensor gradient = torch::tensor({0.1f, -0.2f, 0.3f, 0.0f});
  first.mutable_grad() = gradient.clone();
  one.Step(0.1);
  const at::Tensor second = first.detach().clone().requires_grad_(true);
  AdamW two({{"w", second}}, {});
  OPENP5_ASSERT_OK(two.LoadState(one.State()));
  for (const auto& [optimizer, weight] : {std::pair{&one, first}, std::pair{&two, second}}) {
    weight.mutable_grad() = gradient.clone();
    optimizer->Step(0.1);
  }
  EXPECT_TRUE(torch::equal(first, second));
}

TEST(OptimizerTest, NamesAStateThatDoesNotFit) {
  Random random(3);
  AdamW small({{"w", Leaf(4, &random)}}, {});
  AdamW large({{"w", Leaf(5, &random)}}, {});
  AdamW other({{"v", Leaf(4, &random)}}, {});
  EXPECT_THAT(small.LoadState(large.State()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("'w.exp_avg' has another shape")));
  EXPECT_THAT(small.LoadState(other.State()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("'w.exp_avg' is missing")));
}

}  // namespace
}  // namespace openp5::trainers

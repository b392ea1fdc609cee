#include "platform/models/common/layers.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/types.h>

#include <utility>

#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

double Difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

at::Tensor Leaf(at::IntArrayRef shape) { return at::randn(shape).requires_grad_(true); }

TEST(LinearTest, EqualsTheProductWithItsGradients) {
  at::manual_seed(1);
  for (const int64_t rows : {3, 2048}) {
    at::Tensor x = Leaf({rows, 64}), weight = Leaf({96, 64});
    const at::Tensor direction = at::randn({rows, 96});
    const at::Tensor y = Linear(x, weight, at::kFloat);
    EXPECT_LT(Difference(y, at::matmul(x, weight.t())), 1e-4) << rows;
    y.backward(direction);
    EXPECT_LT(Difference(x.grad(), at::matmul(direction, weight)), 1e-4) << rows;
    EXPECT_LT(Difference(weight.grad(), at::matmul(direction.t(), x)), 1e-3) << rows;
  }
}

TEST(LinearTest, GivesGradientsOnlyWhereWanted) {
  const at::Tensor x = at::randn({2048, 64});
  at::Tensor weight = Leaf({96, 64});
  Linear(x, weight, at::kFloat).sum().backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_LT(Difference(weight.grad(), x.sum(0).expand({96, 64})), 1e-2);
}

TEST(LinearTest, TakesStridedInput) {
  const at::NoGradGuard no_gradients;
  const at::Tensor wide = at::randn({2048, 128}), weight = at::randn({96, 64});
  const at::Tensor x = wide.narrow(1, 32, 64);
  EXPECT_LT(Difference(Linear(x, weight, at::kFloat), at::matmul(x, weight.t())), 1e-4);
}

// Widths that do not fill a vector, rows that do not fill a block; float64 goes another way.
TEST(RmsNormTest, EqualsItsFormulaWithGradients) {
  at::manual_seed(2);
  for (const auto type : {at::kFloat, at::kDouble}) {
    for (const auto& [rows, width] : {std::pair(5, 8), {1, 16}, {700, 37}, {0, 8}}) {
      SCOPED_TRACE(StrCat(rows, " x ", width));
      at::Tensor x = at::randn({rows, width}, type).requires_grad_(true),
                 weight = at::randn({width}, type).requires_grad_(true);
      const at::Tensor direction = at::randn({rows, width}, type);
      const at::Tensor y = RmsNorm(x, weight, 1e-6);
      y.backward(direction);
      at::Tensor x2 = x.detach().clone().requires_grad_(true),
                 weight2 = weight.detach().clone().requires_grad_(true);
      const at::Tensor y2 = x2 * (x2.pow(2).mean(-1, true) + 1e-6).rsqrt() * weight2;
      y2.backward(direction);
      EXPECT_TRUE(at::allclose(y, y2, 1e-5, 1e-5));
      EXPECT_TRUE(at::allclose(x.grad(), x2.grad(), 1e-5, 1e-5));
      EXPECT_TRUE(at::allclose(weight.grad(), weight2.grad(), 1e-4, 1e-4));
    }
  }
}

TEST(RmsNormTest, IsTheSameOnAnyNumberOfThreads) {
  const auto run = [](int threads) {
    at::set_num_threads(threads);
    at::manual_seed(3);
    at::Tensor x = Leaf({5000, 64}), weight = Leaf({64});
    RmsNorm(x, weight, 1e-6).backward(at::randn({5000, 64}));
    return std::pair(x.grad(), weight.grad());
  };
  const auto [x, weight] = run(1);
  const auto [x2, weight2] = run(2);
  EXPECT_TRUE(at::equal(x, x2));
  EXPECT_TRUE(at::equal(weight, weight2));
}

}  // namespace
}  // namespace openp5::models

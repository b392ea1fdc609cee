#include "platform/models/common/dropout.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <cmath>
#include <thread>
#include <utility>

#include "platform/models/common/layers.h"
#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

TEST(DropoutMaskTest, KeepsTheShareItIsAskedFor) {
  at::manual_seed(1);
  const at::Tensor x = at::empty({1001, 1003});
  for (const double probability : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    const at::Tensor mask = DropoutMask(x, probability);
    ASSERT_EQ(mask.sizes(), x.sizes());
    const double kept = mask.to(at::kDouble).mean().item<double>();
    const auto count = static_cast<double>(x.numel());
    // Five standard deviations, and what 16 bits round off.
    EXPECT_NEAR(kept, 1 - probability,
                5 * std::sqrt(probability * (1 - probability) / count) + 1.0 / 65536);
  }
}

TEST(DropoutMaskTest, NeighboursAreIndependent) {
  at::manual_seed(2);
  const at::Tensor kept = DropoutMask(at::empty({1 << 20}), 0.5).to(at::kFloat) - 0.5;
  for (const int64_t distance : {1, 2, 3, 4, 5, 64, 4096}) {
    const int64_t pairs = kept.numel() - distance;
    const double product =
        (kept.narrow(0, 0, pairs) * kept.narrow(0, distance, pairs)).mean().item<double>();
    EXPECT_LT(std::abs(product), 0.25 * 5 / std::sqrt(static_cast<double>(pairs))) << distance;
  }
}

TEST(DropoutMaskTest, DependsOnTheGeneratorButNotOnThreads) {
  const at::Tensor x = at::empty({77777});
  const auto draw = [&](uint64_t seed, int threads) {
    at::manual_seed(seed);
    at::set_num_threads(threads);
    return DropoutMask(x, 0.3);
  };
  const at::Tensor first = draw(3, 1);
  EXPECT_FALSE(at::equal(DropoutMask(x, 0.3), first));
  EXPECT_TRUE(at::equal(draw(3, 2), first));
  EXPECT_FALSE(at::equal(draw(4, 1), first));
}

TEST(OwnDropoutMasksTest, AreApartFromTheDefaultGenerator) {
  const at::Tensor x = at::empty({77777});
  const auto draw = [&](uint64_t seed) {
    const OwnDropoutMasks own(seed);
    return std::pair(DropoutMask(x, 0.3), DropoutMask(x, 0.3));
  };
  at::manual_seed(3);
  const at::Tensor expected = DropoutMask(x, 0.3);
  at::manual_seed(3);
  const auto [first, second] = draw(7);
  EXPECT_FALSE(at::equal(first, second));
  EXPECT_TRUE(at::equal(draw(7).second, second));
  EXPECT_FALSE(at::equal(draw(8).first, first));
  std::thread([&] { EXPECT_TRUE(at::equal(draw(7).first, first)); }).join();
  EXPECT_TRUE(at::equal(DropoutMask(x, 0.3), expected));
}

TEST(ApplyDropoutTest, EqualsItsFormula) {
  at::manual_seed(5);
  const at::Tensor x = at::randn({37, 50}).t();
  const at::Tensor mask = DropoutMask(x, 0.2);
  EXPECT_TRUE(at::allclose(ApplyDropout(x, mask, 0.2), at::where(mask, x / 0.8, at::zeros({1}))));
}

TEST(DropoutTest, GradientsGoWhereValuesWent) {
  at::manual_seed(6);
  at::Tensor x = (at::rand({40, 30}) + 1).requires_grad_(true);
  const at::Tensor direction = at::randn({40, 30});
  const at::Tensor y = Dropout(x, 0.25);
  y.backward(direction);
  const at::Tensor kept = y.detach() != 0;
  EXPECT_TRUE(at::allclose(y, at::where(kept, x / 0.75, at::zeros({1}))));
  EXPECT_TRUE(at::allclose(x.grad(), at::where(kept, direction / 0.75, at::zeros({1}))));
  EXPECT_TRUE(Dropout(x, 0).is_same(x));
}

TEST(ReluDropoutTest, EqualsTheTwoAfterEachOther) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    for (const double probability : {0.0, 0.25, 1.0}) {
      const at::Tensor values = at::randn({40, 30}, type), direction = at::randn({40, 30}, type);
      at::Tensor x = values.clone().requires_grad_(true), x2 = values.clone().requires_grad_(true);
      at::manual_seed(7);
      const at::Tensor y = ReluDropout(x, probability);
      at::manual_seed(7);
      const at::Tensor y2 = Dropout(x2.relu(), probability);
      EXPECT_TRUE(at::equal(y, y2)) << type << " " << probability;
      y.backward(direction);
      y2.backward(direction);
      EXPECT_TRUE(at::equal(x.grad(), x2.grad())) << type << " " << probability;
    }
  }
}

}  // namespace
}  // namespace openp5::models

#include "trainers/loss.h"

#include <torch/types.h>

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

TEST(LossTest, EveryExampleCountsTheSame) {
  const at::Tensor losses = torch::tensor({1.0f, 2.0f, 3.0f, 10.0f}).requires_grad_(true);
  const at::Tensor loss = MeanOfExampleMeans(losses, {3, 1});
  EXPECT_NEAR(loss.item<double>(), (2.0 + 10.0) / 2, 1e-6);
  loss.backward();
  EXPECT_TRUE(torch::allclose(losses.grad(), torch::tensor({1.0f / 6, 1.0f / 6, 1.0f / 6, 0.5f})));
}

}  // namespace
}  // namespace openp5::trainers

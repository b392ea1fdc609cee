#include "platform/models/common/vocabulary_loss.h"

#include <torch/types.h>

#include "platform/models/common/layers.h"
#include "platform/tensor/allocation_meter.h"
#include "tests/testing/testing.h"

namespace openp5::models {
namespace {

struct Inputs {
  Inputs(int64_t n, int64_t vocabulary) {
    at::manual_seed(1);
    x = at::randn({n, 24}).requires_grad_(true);
    weight = at::randn({vocabulary, 24}).mul_(0.3).requires_grad_(true);
    labels = at::randint(vocabulary, {n}, at::kLong);
    labels[0] = 0;
    labels[1] = vocabulary - 1;
    given = at::rand({n}).add_(0.1);
  }

  // The losses, then the gradients of the two for a loss of given · losses.
  template <class Losses>
  std::vector<at::Tensor> Compute(const Losses& losses) {
    const at::Tensor values = losses();
    at::dot(values, given).backward();
    std::vector<at::Tensor> found = {values.detach()};
    for (const at::Tensor& leaf : {x, weight}) {
      if (!leaf.requires_grad()) continue;
      found.push_back(leaf.grad());
      leaf.mutable_grad().reset();
    }
    return found;
  }

  at::Tensor x, weight, labels, given;
};

// Blocks that are computed one by one, the last smaller, make what all scores at once make.
TEST(VocabularyLossesTest, AreThoseOfAllScoresAtOnce) {
  for (const double smoothing : {0.0, 0.1}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(StrCat("smoothing ", smoothing, ", ", c10::toString(type)));
      Inputs in(300, 5000);
      const auto expected = in.Compute(
          [&] { return CrossEntropy(Linear(in.x, in.weight, type), in.labels, smoothing); });
      const auto found = in.Compute([&] {
        return VocabularyLosses(in.x, in.weight, in.labels,
                                {.smoothing = smoothing, .compute_type = type, .most_at_once = 0});
      });
      // bfloat16: the gradients of the scores are rounded, with other last bits.
      const double tolerance = type == at::kFloat ? 1e-5 : 1e-2;
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_TRUE(at::allclose(found[i], expected[i], tolerance, tolerance)) << i;
      }
    }
  }
}

TEST(VocabularyLossesTest, LeaveAFrozenMatrixAlone) {
  Inputs in(300, 5000);
  in.weight.requires_grad_(false);
  const auto expected =
      in.Compute([&] { return CrossEntropy(Linear(in.x, in.weight, at::kFloat), in.labels, 0); });
  const auto found =
      in.Compute([&] { return VocabularyLosses(in.x, in.weight, in.labels, {.most_at_once = 0}); });
  EXPECT_TRUE(at::allclose(found[1], expected[1], 1e-5, 1e-5));
  EXPECT_FALSE(in.weight.grad().defined());
}

TEST(VocabularyLossesTest, NeedNoMemoryForAllScores) {
  Inputs in(600, 20000);
  const auto peak = [&](const auto& losses) {
    AllocationMeter meter;
    at::dot(losses(), in.given).backward();
    in.x.mutable_grad().reset();
    in.weight.mutable_grad().reset();
    return meter.TakePeak();
  };
  const int64_t at_once =
      peak([&] { return CrossEntropy(Linear(in.x, in.weight, at::kFloat), in.labels, 0); });
  EXPECT_LT(peak([&] { return VocabularyLosses(in.x, in.weight, in.labels, {.most_at_once = 0}); }),
            at_once / 4);
}

}  // namespace
}  // namespace openp5::models

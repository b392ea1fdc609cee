#include "platform/tensor/tensor_checks.h"

#include <ATen/ATen.h>

#include <limits>

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CheckFiniteTest, NamesTheTensorAndTheCount) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble}) {
    at::Tensor wrong = at::ones({2, 3}).to(type);
    NamedTensors weights = {{"a", at::ones({4})}, {"b", wrong}, {"ids", at::ones({2}, at::kLong)}};
    OPENP5_EXPECT_OK(CheckFinite("file", weights));
    wrong[0][1] = kNaN;
    wrong[1][2] = -kInfinity;
    EXPECT_THAT(CheckFinite("file", weights),
                StatusIs(absl::StatusCode::kDataLoss,
                         AllOf(HasSubstr("file: b: expected finite numbers"),
                               HasSubstr("got 2 of 6 that are NaN or infinite"))));
    // Infinities of both signs have no sum either.
    wrong.fill_(1);
    wrong[0][0] = kInfinity;
    EXPECT_FALSE(CheckFinite("file", weights).ok());
  }
}

TEST(CheckFiniteTest, LargeNumbersAreNumbers) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  OPENP5_EXPECT_OK(CheckFinite("file", {{"a", at::full({3}, kLargest)}, {"b", at::empty({0})}}));
}

TEST(IsSameTest, ComparesShapesAndValuesOfAnyType) {
  const at::Tensor a = at::arange(6, at::kFloat).view({2, 3});
  EXPECT_TRUE(IsSame(a, a));
  EXPECT_TRUE(IsSame(a, a.clone()));
  EXPECT_TRUE(IsSame(a, a.to(at::kBFloat16)));
  EXPECT_FALSE(IsSame(a, a + 1));
  EXPECT_FALSE(IsSame(a, a.view({3, 2})));
  EXPECT_FALSE(IsSame(a.narrow(0, 0, 1), a.narrow(0, 1, 1)));
}

}  // namespace
}  // namespace openp5

#include "evaluators/significance.h"

#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// Made up; the expected numbers were recorded from scipy 1 (ttest_1samp, wilcoxon with the normal
// approximation) and from the same generator written in Python.
const std::vector<double> kDifferences = {0.5,  -0.25, 0,    1, 0.5,   0.75,
                                          -0.5, 0,     0.25, 1, 0.125, -0.125};
constexpr Resampling kResampling = {.resamples = 1000, .seed = 7};
constexpr double kTolerance = 1e-12;

TEST(SignificanceTest, EqualsScipy) {
  EXPECT_NEAR(TTest(kDifferences), 0.07924293372484495, kTolerance);
  EXPECT_NEAR(WilcoxonTest(kDifferences), 0.09111734088481427, kTolerance);
}

TEST(SignificanceTest, FlipsSignsByTheDocumentedGenerator) {
  EXPECT_NEAR(RandomizationTest(kDifferences, kResampling), 0.08891108891108891, kTolerance);
}

TEST(SignificanceTest, IsCertainOfNothingWithoutDifferences) {
  const std::vector<double> none = {0, 0, 0};
  EXPECT_EQ(TTest(none), 1);
  EXPECT_EQ(WilcoxonTest(none), 1);
  EXPECT_EQ(RandomizationTest(none, kResampling), 1);
  EXPECT_EQ(TTest({}), 1);
  EXPECT_EQ(WilcoxonTest({}), 1);
}

TEST(SignificanceTest, HolmMultipliesTheSmallestMost) {
  EXPECT_THAT(HolmCorrected({0.01, 0.04, 0.03}),
              ElementsAre(DoubleNear(0.03, kTolerance), DoubleNear(0.06, kTolerance),
                          DoubleNear(0.06, kTolerance)));
  EXPECT_THAT(HolmCorrected({0.9, 0.8}), ElementsAre(1, 1));
}

TEST(BootstrapTest, InterpolatesPercentilesOfTheDocumentedResamples) {
  const std::vector<Interval> intervals = BootstrapIntervals({kDifferences}, kResampling);
  ASSERT_EQ(intervals.size(), 1u);
  EXPECT_NEAR(intervals[0].low, 0.02057291666666668, kTolerance);
  EXPECT_NEAR(intervals[0].high, 0.5520833333333334, kTolerance);
}

TEST(BootstrapTest, DrawsTheSameUsersForEveryColumn) {
  std::vector<double> twice = kDifferences;
  for (double& value : twice) value *= 2;
  const auto intervals = BootstrapIntervals({kDifferences, twice}, kResampling);
  EXPECT_NEAR(intervals[1].low, 2 * intervals[0].low, kTolerance);
  EXPECT_NEAR(intervals[1].high, 2 * intervals[0].high, kTolerance);
  EXPECT_EQ(BootstrapIntervals({{}}, kResampling)[0].high, 0);
}

}  // namespace
}  // namespace openp5::evaluators

#ifndef OPENP5_EVALUATORS_SIGNIFICANCE_H_
#define OPENP5_EVALUATORS_SIGNIFICANCE_H_

#include <span>
#include <vector>

#include "evaluators/bootstrap.h"

namespace openp5::evaluators {

// Two-sided tests of whether two methods differ. `differences` [users] holds, for every user, the
// value of one method less that of the other. Each returns the probability (p) of a difference at
// least as large by chance, and 1 where no user's values differ.

// Fisher's randomisation test: every resample flips the sign of each difference with probability
// one half; p is (1 + resamples whose sum is at least as far from 0) / (1 + resamples). Differences
// of 0 change nothing and are left out; of the others, number i keeps its sign in resample r where
// bit i mod 64 of number r * words + i / 64 of the SplitMix64 generator that starts at the seed is
// 1, where words is a 64th of their number, rounded up.
double RandomizationTest(std::span<const double> differences, const Resampling& resampling);

// The paired t-test (Student, 1908).
double TTest(std::span<const double> differences);

// Wilcoxon's signed-rank test (1945) by the normal distribution, without a correction for
// continuity. Differences of 0 are left out, equal ones share the mean of their ranks.
double WilcoxonTest(std::span<const double> differences);

// Holm's correction (1979) of the p of several tests, in their order: at most 1.
std::vector<double> HolmCorrected(const std::vector<double>& p);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_SIGNIFICANCE_H_

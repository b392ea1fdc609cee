#ifndef OPENP5_EVALUATORS_BOOTSTRAP_H_
#define OPENP5_EVALUATORS_BOOTSTRAP_H_

#include <cstdint>
#include <span>
#include <vector>

namespace openp5::evaluators {

// How chance is simulated. Equal options give equal numbers on every machine.
struct Resampling {
  int64_t resamples = 10000;
  uint64_t seed = 1;
  double confidence = 0.95;  // of intervals
};

struct Interval {
  double low = 0, high = 0;
};

// The percentile bootstrap interval (Efron, 1979) of the mean of each column. All columns are
// values of the same users, [users], and every resample draws the same users for all of them.
// Percentiles are interpolated linearly. Both ends are 0 where there are no users.
// User i of resample r is number (z >> 32) * users >> 32, where z is number r * users + i of the
// SplitMix64 generator that starts at the seed.
std::vector<Interval> BootstrapIntervals(const std::vector<std::span<const double>>& columns,
                                         const Resampling& resampling);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_BOOTSTRAP_H_

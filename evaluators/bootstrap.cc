#include "evaluators/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "platform/base/random.h"

namespace openp5::evaluators {
namespace {

// The value below which a share `share` of `sorted` lies, interpolated linearly.
double Percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

// The columns' values user by user, so that what a draw adds up lies together.
std::vector<double> ByUser(const std::vector<std::span<const double>>& columns, size_t users) {
  std::vector<double> values(users * columns.size());
  for (size_t column = 0; column < columns.size(); ++column) {
    for (size_t user = 0; user < users; ++user) {
      values[user * columns.size() + column] = columns[column][user];
    }
  }
  return values;
}

}  // namespace

std::vector<Interval> BootstrapIntervals(const std::vector<std::span<const double>>& columns,
                                         const Resampling& resampling) {
  std::vector<Interval> intervals(columns.size());
  const size_t users = columns.empty() ? 0 : columns.front().size();
  if (users == 0) return intervals;
  const std::vector<double> values = ByUser(columns, users);
  const auto resamples = static_cast<size_t>(resampling.resamples);
  std::vector<std::vector<double>> means(columns.size(), std::vector<double>(resamples));
  uint64_t state = resampling.seed;
  std::vector<double> sums(columns.size());
  for (size_t resample = 0; resample < resamples; ++resample) {
    std::fill(sums.begin(), sums.end(), 0);
    for (size_t i = 0; i < users; ++i, state += kSplitMix64Step) {
      const size_t user = (SplitMix64(state) >> 32) * users >> 32;
      const double* row = values.data() + user * columns.size();
      for (size_t column = 0; column < sums.size(); ++column) sums[column] += row[column];
    }
    for (size_t column = 0; column < sums.size(); ++column) {
      means[column][resample] = sums[column] / static_cast<double>(users);
    }
  }
  const double outside = (1 - resampling.confidence) / 2;
  for (size_t column = 0; column < columns.size(); ++column) {
    std::sort(means[column].begin(), means[column].end());
    intervals[column] = {Percentile(means[column], outside),
                         Percentile(means[column], 1 - outside)};
  }
  return intervals;
}

}  // namespace openp5::evaluators

#include "evaluators/significance.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "platform/base/random.h"

namespace openp5::evaluators {
namespace {

std::vector<double> WithoutZeros(std::span<const double> differences) {
  std::vector<double> kept;
  for (const double difference : differences) {
    if (difference != 0) kept.push_back(difference);
  }
  return kept;
}

// The sum of `differences`, with signs that the bits of the generator decide.
double FlippedSum(const std::vector<double>& differences, uint64_t* state) {
  double sum = 0;
  uint64_t bits = 0;
  for (size_t i = 0; i < differences.size(); ++i) {
    if (i % 64 == 0) {
      bits = SplitMix64(*state);
      *state += kSplitMix64Step;
    }
    sum += (bits >> (i % 64) & 1) != 0 ? differences[i] : -differences[i];
  }
  return sum;
}

struct SignedRanks {
  double positive = 0;  // sum of the ranks of differences above 0
  double ties = 0;      // sum of n^3 - n over every group of n equal ones
};

SignedRanks RankDifferences(std::vector<double> differences) {
  std::sort(differences.begin(), differences.end(),
            [](double a, double b) { return std::abs(a) < std::abs(b); });
  SignedRanks ranks;
  for (size_t begin = 0, end = 0; begin < differences.size(); begin = end) {
    const double size = std::abs(differences[begin]);
    while (end < differences.size() && std::abs(differences[end]) == size) ++end;
    const double rank = (static_cast<double>(begin + end) + 1) / 2;
    for (size_t i = begin; i < end; ++i) ranks.positive += differences[i] > 0 ? rank : 0;
    const auto count = static_cast<double>(end - begin);
    ranks.ties += count * count * count - count;
  }
  return ranks;
}

}  // namespace

double RandomizationTest(std::span<const double> differences, const Resampling& resampling) {
  const std::vector<double> kept = WithoutZeros(differences);
  if (kept.empty()) return 1;
  const double observed = std::abs(std::accumulate(kept.begin(), kept.end(), 0.0));
  double magnitude = 0;
  for (const double difference : kept) magnitude += std::abs(difference);
  const double rounding = 1e-12 * magnitude;  // sums of another order may differ by so much
  uint64_t state = resampling.seed;
  int64_t as_far = 0;
  for (int64_t resample = 0; resample < resampling.resamples; ++resample) {
    if (std::abs(FlippedSum(kept, &state)) >= observed - rounding) ++as_far;
  }
  return static_cast<double>(1 + as_far) / static_cast<double>(1 + resampling.resamples);
}

double TTest(std::span<const double> differences) {
  if (differences.size() < 2 || WithoutZeros(differences).empty()) return 1;
  const auto n = static_cast<double>(differences.size());
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / n;
  double squares = 0;
  for (const double difference : differences) squares += (difference - mean) * (difference - mean);
  if (squares == 0) return 0;
  const double t = mean / std::sqrt(squares / (n - 1) / n);
  return 2 * boost::math::cdf(complement(boost::math::students_t(n - 1), std::abs(t)));
}

double WilcoxonTest(std::span<const double> differences) {
  const std::vector<double> kept = WithoutZeros(differences);
  if (kept.empty()) return 1;
  const auto n = static_cast<double>(kept.size());
  const SignedRanks ranks = RankDifferences(kept);
  const double mean = n * (n + 1) / 4;
  const double variance = (n * (n + 1) * (2 * n + 1) - ranks.ties / 2) / 24;
  const double z = (ranks.positive - mean) / std::sqrt(variance);
  return std::min(1.0, 2 * boost::math::cdf(complement(boost::math::normal(), std::abs(z))));
}

std::vector<double> HolmCorrected(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> corrected(p.size());
  double largest = 0;
  for (size_t place = 0; place < order.size(); ++place) {
    largest = std::max(largest, static_cast<double>(p.size() - place) * p[order[place]]);
    corrected[order[place]] = std::min(1.0, largest);
  }
  return corrected;
}

}  // namespace openp5::evaluators

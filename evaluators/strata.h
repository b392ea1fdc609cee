#ifndef OPENP5_EVALUATORS_STRATA_H_
#define OPENP5_EVALUATORS_STRATA_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "evaluators/bootstrap.h"
#include "evaluators/metrics.h"

namespace openp5::evaluators {

struct StratumValue {
  std::string metric;
  double mean = 0;
  Interval interval = {};  // of the mean, by bootstrap
};

// Those users whose question has some property in common.
struct Stratum {
  std::string property, name;  // "target popularity", "head"
  int64_t users = 0;
  double share = 0;  // of all users
  std::vector<StratumValue> values = {};
};

// Divides the users by one property after the other and measures each part with those of `metrics`
// that have a value a user. `positions` are the questions, in the order of these values. Parts
// without users are left out. The properties:
//   target popularity  head: the items with the most training interactions that together have a
//                      third of them; middle: those that have the next third; tail: all others.
//                      Items with equally many are in the same part
//   history length     items before the target: up to 5, 6 to 10, 11 to 20, 21 to 50, over 50
//   cold target        yes: no training part holds the target
//   repeat             yes: the target is among the user's items before it
//   reachable          yes: some user's training part holds both the target and one of the last ten
//                      items before it, so that counts of what occurs together can find it
std::vector<Stratum> MeasureStrata(const datasets::SequenceDataset& dataset,
                                   std::span<const datasets::Position> positions,
                                   std::span<const MetricValue> metrics,
                                   const Resampling& resampling);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_STRATA_H_

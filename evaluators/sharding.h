#ifndef OPENP5_EVALUATORS_SHARDING_H_
#define OPENP5_EVALUATORS_SHARDING_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "platform/base/status.h"
#include "platform/recommenders/recommender.h"

namespace openp5::evaluators {

// A share of an evaluation whose users are divided among processes, batch by batch, so that each
// batch is computed as it would be by one process.
struct Sharding {
  int64_t index = 0, count = 1;
  // Everybody's bytes, by index.
  std::function<absl::StatusOr<std::vector<std::string>>(const std::string&)> gather = {};

  bool Owns(size_t batch) const { return static_cast<int64_t>(batch) % count == index; }

  // After the own batches, each of `batch_size` users of `order`, are computed or a signal has
  // come: completes `rankings` with what the other shards found. Cancelled after SIGINT or SIGTERM,
  // where they are caught, in any shard.
  absl::Status Finish(const std::vector<size_t>& order, size_t batch_size,
                      std::vector<recommenders::Ranking>* rankings) const;
};

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_SHARDING_H_

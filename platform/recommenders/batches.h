#ifndef OPENP5_PLATFORM_RECOMMENDERS_BATCHES_H_
#define OPENP5_PLATFORM_RECOMMENDERS_BATCHES_H_

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "platform/base/status.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

// The numbers of `count` queries, the most costly first; equal costs stay in order.
std::vector<size_t> OrderByCost(const RankingJob& job, size_t count);

// `order` in batches of `size`, the last of which may be smaller. They refer to `order`.
std::vector<std::span<const size_t>> SplitBatches(std::span<const size_t> order, size_t size);

// How many of `batches` batches are computed at the same time.
int Workers(const Recommender& recommender, size_t batches);

// Ranks the queries of every batch into their places of `rankings`. On a CPU several batches are
// computed at the same time, each on threads of its own, which never wait for each other as those
// of one matrix product do. `done` (batch) is called after each, one at a time. The failure of the
// first batch that fails; stops early, with OK, after a signal.
absl::Status RankBatches(const Recommender& recommender, const RankingJob& job,
                         std::span<const std::span<const size_t>> batches,
                         const std::function<void(size_t)>& done, std::vector<Ranking>* rankings);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_BATCHES_H_

#ifndef OPENP5_PLATFORM_RECOMMENDERS_QUERY_JOB_H_
#define OPENP5_PLATFORM_RECOMMENDERS_QUERY_JOB_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

// The job of a recommender that ranks each query on its own: `rank` (query, k) returns its Ranking
// and is called from several threads.
template <class RankOne>
class QueryJob final : public RankingJob {
 public:
  QueryJob(std::span<const Query> queries, int64_t k, RankOne rank)
      : queries_(queries.begin(), queries.end()),
        k_(static_cast<size_t>(k)),
        rank_(std::move(rank)) {}

  int64_t Cost(size_t query) const override {
    return static_cast<int64_t>(queries_[query].history.size());
  }
  absl::StatusOr<std::vector<Ranking>> Rank(std::span<const size_t> queries) const override {
    std::vector<Ranking> rankings;
    for (const size_t query : queries) rankings.push_back(rank_(queries_[query], k_));
    return rankings;
  }

 private:
  const std::vector<Query> queries_;
  const size_t k_;
  const RankOne rank_;
};

template <class RankOne>
std::unique_ptr<RankingJob> MakeQueryJob(std::span<const Query> queries, int64_t k, RankOne rank) {
  return std::make_unique<QueryJob<RankOne>>(queries, k, std::move(rank));
}

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_QUERY_JOB_H_

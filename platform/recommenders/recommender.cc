#include "platform/recommenders/recommender.h"

#include <algorithm>

#include "platform/base/signals.h"
#include "platform/recommenders/batches.h"

namespace openp5::recommenders {

absl::StatusOr<std::vector<Ranking>> Recommender::Rank(std::span<const Query> queries, int64_t k,
                                                       const RankOptions& options) const {
  OPENP5_ASSIGN_OR_RETURN(const auto job, Start(queries, k, options));
  const std::vector<size_t> order = OrderByCost(*job, queries.size());
  const auto batches = SplitBatches(order, static_cast<size_t>(options.batch_size));
  std::vector<Ranking> rankings(queries.size());
  OPENP5_RETURN_IF_ERROR(RankBatches(
      *this, *job, batches, [](size_t) {}, &rankings));
  if (TerminationSignal() != 0) return absl::CancelledError("ranking: stopped by a signal");
  return rankings;
}

absl::StatusOr<int64_t> Recommender::RankingMemory(std::span<const Query> queries, int64_t users,
                                                   int64_t k, const RankOptions& options) const {
  if (queries.empty()) return 0;
  OPENP5_ASSIGN_OR_RETURN(const auto job, Start(queries, k, options));
  const int64_t batch = std::min(users, options.batch_size);
  OPENP5_ASSIGN_OR_RETURN(const int64_t of_batch, job->Memory(batch));
  int64_t longest = 0;
  for (size_t i = 0; i < queries.size(); ++i) longest = std::max(longest, job->Cost(i));
  // Every query's tokens are there, as numbers and as text, and every list.
  const int64_t list = std::min<int64_t>(k, dataset(options.dataset).item_count());
  const int64_t of_user = 2 * longest * static_cast<int64_t>(sizeof(int32_t) + sizeof(int64_t)) +
                          list * static_cast<int64_t>(sizeof(int32_t) + sizeof(float));
  const auto batches = static_cast<size_t>((users + batch - 1) / batch);
  return of_batch * Workers(*this, batches) + users * of_user;
}

}  // namespace openp5::recommenders

#include "platform/recommenders/recommender.h"

#include <algorithm>

#include "platform/base/signals.h"
#include "platform/recommenders/batches.h"

namespace openp5::recommenders {

absl::StatusOr<std::vector<Ranking>> Recommender::Rank(std::span<const Query> queries, int64_t k,
                                                       const RankOptions& options) const {
  OPENP5_ASSIGN_OR_RETURN(const auto job, Start(queries, k, options));
  const std::vector<size_t> order = OrderByCost(*job, queries.size());
  const auto size = static_cast<size_t>(options.batch_size);
  std::vector<std::span<const size_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += size) {
    batches.push_back(std::span(order).subspan(begin, std::min(size, order.size() - begin)));
  }
  std::vector<Ranking> rankings(queries.size());
  OPENP5_RETURN_IF_ERROR(RankBatches(
      *this, *job, batches, [](size_t) {}, &rankings));
  if (TerminationSignal() != 0) return absl::CancelledError("ranking: stopped by a signal");
  return rankings;
}

}  // namespace openp5::recommenders

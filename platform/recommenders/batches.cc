#include "platform/recommenders/batches.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "platform/base/parallel.h"
#include "platform/base/signals.h"

namespace openp5::recommenders {
namespace {

// Calls `work` (i) for every i below `count`, in `workers` threads that share LibTorch's, until one
// fails or a signal comes; `done` (i) after each, one at a time. The failure of the smallest i.
template <class Work, class Done>
absl::Status RunInWorkers(size_t count, int workers, const Work& work, const Done& done) {
  const int threads = at::get_num_threads();
  std::atomic<size_t> next = 0;
  absl::Mutex mutex;
  size_t first_failed = count;
  absl::Status failure;
  ParallelFor(static_cast<size_t>(workers), [&](size_t) {
    at::set_num_threads(std::max(1, threads / workers));
    for (size_t i = next++; i < count && TerminationSignal() == 0; i = next++) {
      const absl::Status status = work(i);
      const absl::MutexLock lock(&mutex);
      if (!status.ok() && i < first_failed) {
        first_failed = i;
        failure = status;
      }
      if (first_failed < count) break;
      done(i);
    }
  });
  at::set_num_threads(threads);
  return failure;
}

}  // namespace

int Workers(const Recommender& recommender, size_t batches) {
  if (!recommender.runs_side_by_side()) return 1;
  return static_cast<int>(
      std::clamp<size_t>(batches, 1, static_cast<size_t>(at::get_num_threads())));
}

std::vector<size_t> OrderByCost(const RankingJob& job, size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return job.Cost(a) > job.Cost(b); });
  return order;
}

std::vector<std::span<const size_t>> SplitBatches(std::span<const size_t> order, size_t size) {
  std::vector<std::span<const size_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += size) {
    batches.push_back(order.subspan(begin, std::min(size, order.size() - begin)));
  }
  return batches;
}

absl::Status RankBatches(const Recommender& recommender, const RankingJob& job,
                         std::span<const std::span<const size_t>> batches,
                         const std::function<void(size_t)>& done, std::vector<Ranking>* rankings) {
  const auto rank = [&](size_t number) -> absl::Status {
    const std::span<const size_t> batch = batches[number];
    OPENP5_ASSIGN_OR_RETURN(std::vector<Ranking> found, job.Rank(batch));
    for (size_t i = 0; i < batch.size(); ++i) (*rankings)[batch[i]] = std::move(found[i]);
    return absl::OkStatus();
  };
  return RunInWorkers(batches.size(), Workers(recommender, batches.size()), rank, done);
}

}  // namespace openp5::recommenders

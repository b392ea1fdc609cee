#include "evaluators/popularity_evaluator.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "evaluators/evaluation_users.h"

namespace openp5::evaluators {

RankingResult EvaluatePopularity(const datasets::SequenceDataset& dataset, const std::string& task,
                                 const std::vector<Metric>& metrics,
                                 const EvaluationOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  RankingResult result{.dataset = dataset.name(),
                       .task = task,
                       .split = options.split,
                       .prompt = options.prompt,
                       .method = "popularity",
                       .filter = options.FilterName()};
  const std::vector<int64_t> counts = TrainingCounts(dataset);
  std::vector<int32_t> ranked(counts.size());
  std::iota(ranked.begin(), ranked.end(), 0);
  std::stable_sort(ranked.begin(), ranked.end(), [&](int32_t a, int32_t b) {
    return counts[static_cast<size_t>(a)] > counts[static_cast<size_t>(b)];
  });
  const auto length = static_cast<size_t>(std::max(options.beams, LargestK(metrics)));
  const bool filtered = options.filtered || options.filtered_batch;
  for (const datasets::Position& position : EvaluationPositions(dataset, options)) {
    const std::vector<int32_t> past =
        filtered ? PastItems(dataset, position) : std::vector<int32_t>();
    UserRanking ranking{
        .user = position.user,
        .target = dataset.Sequence(position.user)[static_cast<size_t>(position.target)]};
    for (const int32_t item : ranked) {
      if (ranking.items.size() == length) break;
      if (std::binary_search(past.begin(), past.end(), item)) continue;
      ranking.items.push_back(item);
      ranking.scores.push_back(static_cast<float>(counts[static_cast<size_t>(item)]));
    }
    result.rankings.push_back(std::move(ranking));
  }
  result.metrics = AverageMetrics(metrics, result.rankings);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace openp5::evaluators

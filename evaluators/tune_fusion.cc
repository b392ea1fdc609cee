#include "evaluators/tune_fusion.h"

#include <algorithm>

#include "evaluators/evaluate.h"
#include "platform/base/log.h"
#include "platform/base/parallel.h"

namespace openp5::evaluators {
namespace {

using recommenders::FusedRecommender;
using recommenders::Ranking;

constexpr int kSteps = 10;        // of a weight, from 0 to 1
constexpr size_t kMostParts = 4;  // 286 combinations

// Every way to give `left` steps to `parts` more parts, the first ones most at first.
void AddCombinations(size_t parts, int left, std::vector<double>* begun,
                     std::vector<std::vector<double>>* all) {
  if (parts == 1) {
    begun->push_back(static_cast<double>(left) / kSteps);
    all->push_back(*begun);
    begun->pop_back();
    return;
  }
  for (int steps = left; steps >= 0; --steps) {
    begun->push_back(static_cast<double>(steps) / kSteps);
    AddCombinations(parts - 1, left - steps, begun, all);
    begun->pop_back();
  }
}

// The lists of every part, [parts][queries].
absl::StatusOr<std::vector<std::vector<Ranking>>> ListsOfParts(
    const FusedRecommender& fused, std::span<const recommenders::Query> queries,
    const std::string& task, int64_t k, const EvaluationOptions& options) {
  const int64_t depth = std::max(k, fused.options().depth);
  recommenders::RankOptions rank = EvaluationRankOptions(task, options);
  rank.beams = depth;
  std::vector<std::vector<Ranking>> lists;
  for (const FusedRecommender::Part& part : fused.parts()) {
    LogInfo(StrCat("fusion: lists of part ", lists.size() + 1, " of ", fused.parts().size(),
                   " on the validation split"));
    OPENP5_ASSIGN_OR_RETURN(auto rankings, part.recommender->Rank(queries, depth, rank));
    lists.push_back(std::move(rankings));
  }
  return lists;
}

double ValueOf(const FusedRecommender& fused, std::span<const recommenders::Query> queries,
               const std::vector<std::vector<Ranking>>& lists, const std::vector<double>& weights,
               const Metric& metric) {
  std::vector<UserRanking> rankings;
  for (size_t i = 0; i < queries.size(); ++i) {
    std::vector<const Ranking*> of_query;
    for (const auto& of_part : lists) of_query.push_back(&of_part[i]);
    Ranking list = FuseRankings(of_query, weights, fused.options(), metric.k);
    rankings.push_back({.user = *queries[i].user,
                        .target = queries[i].target,
                        .items = std::move(list.items),
                        .scores = std::move(list.scores)});
  }
  return Measure({metric}, {fused.dataset(0), rankings}).front().value;
}

}  // namespace

absl::StatusOr<TunedFusion> TuneFusion(const FusedRecommender& fused, const std::string& task,
                                       const Metric& metric, EvaluationOptions options) {
  if (fused.parts().size() > kMostParts) {
    return UsageError(StrCat("--fuse: weights are chosen for at most ", kMostParts,
                             " recommenders, got ", fused.parts().size(),
                             "; hint: give every one its weight, as NAME:0.5"));
  }
  options.split = "validation";
  const auto queries = EvaluationQueries(fused.dataset(0), options);
  OPENP5_ASSIGN_OR_RETURN(const auto lists, ListsOfParts(fused, queries, task, metric.k, options));
  std::vector<std::vector<double>> combinations;
  std::vector<double> begun;
  AddCombinations(fused.parts().size(), kSteps, &begun, &combinations);
  std::vector<double> values(combinations.size());
  ParallelFor(combinations.size(), [&](size_t i) {
    values[i] = ValueOf(fused, queries, lists, combinations[i], metric);
  });
  const auto best =
      static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
  return TunedFusion{.weights = combinations[best], .value = values[best]};
}

}  // namespace openp5::evaluators

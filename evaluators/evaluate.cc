#include "evaluators/evaluate.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "datasets/item_sets.h"
#include "platform/base/log.h"
#include "platform/base/progress.h"
#include "platform/recommenders/batches.h"

namespace openp5::evaluators {
namespace {

using datasets::SequenceDataset;
using recommenders::Filter;
using recommenders::Query;
using recommenders::Ranking;

// The user's items before the target.
std::span<const int32_t> Past(const SequenceDataset& dataset, const datasets::Position& position) {
  return dataset.Sequence(position.user).first(static_cast<size_t>(position.target));
}

// Of all users, not only of those asked for: the width of a search must not depend on --users.
int64_t LongestPast(const SequenceDataset& dataset, const EvaluationOptions& options) {
  size_t longest = 0;
  for (const auto& position :
       datasets::SplitPositions(dataset, options.SplitKind(), /*skip_empty_history=*/true)) {
    longest = std::max(longest, datasets::DistinctItems(Past(dataset, position)).size());
  }
  return static_cast<int64_t>(longest);
}

// How long lists are, and how they are found.
struct Request {
  int64_t length = 0;  // of the lists that count
  int64_t asked = 0;   // of the lists that are asked for
  recommenders::RankOptions rank;

  Request(const recommenders::Recommender& recommender, size_t dataset, const std::string& task,
          int64_t largest_k, const EvaluationOptions& options)
      : rank(EvaluationRankOptions(task, options)) {
    rank.dataset = dataset;
    const bool narrow = recommender.searches() && options.beams > 0;
    length = narrow ? options.beams : std::max(options.beams, largest_k);
    asked = length;
    // A list of all items' scores is the same whenever past items are left out.
    if (!options.filtered_batch || !recommender.searches()) return;
    rank.filter = Filter::kAfterwards;
    asked = length + LongestPast(recommender.dataset(dataset), options);
    rank.beams = asked;
  }
};

std::vector<Query> MakeQueries(const SequenceDataset& dataset,
                               const std::vector<datasets::Position>& positions, Filter filter) {
  std::vector<Query> queries;
  for (const datasets::Position& position : positions) {
    const std::span<const int32_t> sequence = dataset.Sequence(position.user);
    Query& query = queries.emplace_back();
    query.user = position.user;
    query.history = Past(dataset, position);
    query.target = sequence[static_cast<size_t>(position.target)];
    if (filter == Filter::kSearch) query.excluded = datasets::DistinctItems(query.history);
  }
  return queries;
}

// Some of `positions`, at least one if there is one: those with the longest histories.
std::vector<datasets::Position> LongestHistories(std::vector<datasets::Position> positions) {
  constexpr size_t kCount = 16;
  const size_t count = std::min(kCount, positions.size());
  std::partial_sort(positions.begin(), positions.begin() + static_cast<std::ptrdiff_t>(count),
                    positions.end(), [](const datasets::Position& a, const datasets::Position& b) {
                      return a.target != b.target ? a.target > b.target : a.user < b.user;
                    });
  positions.resize(count);
  return positions;
}

// The lists of all queries, of which this shard makes its own.
absl::StatusOr<std::vector<Ranking>> RankAll(const recommenders::Recommender& recommender,
                                             const std::vector<Query>& queries,
                                             const Request& request, const std::string& title,
                                             const Sharding& sharding) {
  ProgressBar progress(title, static_cast<int64_t>(queries.size()), "users");
  OPENP5_ASSIGN_OR_RETURN(const auto job, recommender.Start(queries, request.asked, request.rank));
  const std::vector<size_t> order = recommenders::OrderByCost(*job, queries.size());
  const auto size = static_cast<size_t>(request.rank.batch_size);
  auto batches = recommenders::SplitBatches(order, size);
  std::erase_if(batches, [&](std::span<const size_t> batch) {
    return !sharding.Owns(static_cast<size_t>(batch.data() - order.data()) / size);
  });
  // While one batch of this shard is computed, so is one of each other.
  const auto round = static_cast<int64_t>(size) * sharding.count;
  std::vector<Ranking> rankings(queries.size());
  OPENP5_RETURN_IF_ERROR(recommenders::RankBatches(
      recommender, *job, batches,
      [&](size_t batch) {
        const auto begin = static_cast<int64_t>(batches[batch].data() - order.data());
        progress.Advance(std::min(round, static_cast<int64_t>(order.size()) - begin));
      },
      &rankings));
  OPENP5_RETURN_IF_ERROR(sharding.Finish(order, size, &rankings));
  progress.Finish();
  return rankings;
}

// The first `count` entries of `ranking` that are not in `past` (ascending).
void RemovePast(const std::vector<int32_t>& past, size_t count, UserRanking* ranking) {
  UserRanking kept{.user = ranking->user, .target = ranking->target};
  for (size_t i = 0; i < ranking->items.size() && kept.items.size() < count; ++i) {
    if (std::binary_search(past.begin(), past.end(), ranking->items[i])) continue;
    kept.items.push_back(ranking->items[i]);
    kept.scores.push_back(ranking->scores[i]);
  }
  *ranking = std::move(kept);
}

// Completes the protocol of `result` with how the recommender is asked.
void DescribeAsking(const recommenders::Recommender& recommender, size_t dataset,
                    RankingResult* result) {
  Protocol& protocol = result->protocol;
  protocol.split = result->split;
  protocol.filter = result->filter;
  protocol.task = result->task;
  protocol.prompt = result->prompt_digest.empty() ? "" : PromptName(*result);
  protocol.history = recommender.history_length(dataset);
}

// Says once a process that lists end before the metrics do.
void WarnOfNarrowSearch(const Request& request, int64_t largest_k, const Sharding& sharding) {
  static bool warned = false;
  if (request.length >= largest_k || sharding.index != 0 || std::exchange(warned, true)) return;
  LogWarning(StrCat("--beams: ", request.length, " is less than the largest k of --metrics, ",
                    largest_k, ": lists end after ", request.length,
                    " items, and targets further down count as misses"));
}

}  // namespace

std::vector<datasets::Position> EvaluationPositions(const SequenceDataset& dataset,
                                                    const EvaluationOptions& options) {
  std::vector<datasets::Position> positions =
      datasets::SplitPositions(dataset, options.SplitKind(), /*skip_empty_history=*/true);
  if (options.users > 0 && positions.size() > static_cast<size_t>(options.users)) {
    positions.resize(static_cast<size_t>(options.users));
  }
  return positions;
}

std::vector<Query> EvaluationQueries(const SequenceDataset& dataset,
                                     const EvaluationOptions& options) {
  return MakeQueries(dataset, EvaluationPositions(dataset, options),
                     EvaluationRankOptions("", options).filter);
}

recommenders::RankOptions EvaluationRankOptions(const std::string& task,
                                                const EvaluationOptions& options) {
  return {.task = task,
          .prompt = options.prompt,
          .beams = options.beams,
          .exact = options.exact,
          .max_length = options.max_length,
          .normalize_over_allowed = options.score_normalization == "allowed",
          .filter = options.filtered || options.filtered_batch ? Filter::kSearch : Filter::kNone,
          .batch_size = options.eval_batch_size};
}

absl::StatusOr<RankingResult> Evaluate(const recommenders::Recommender& recommender, size_t dataset,
                                       const std::string& task, const std::vector<Metric>& metrics,
                                       const EvaluationOptions& options, const Sharding& sharding) {
  OPENP5_RETURN_IF_ERROR(options.Check());
  const SequenceDataset& data = recommender.dataset(dataset);
  OPENP5_ASSIGN_OR_RETURN(const std::string digest, recommender.PromptDigest(task, options.prompt));
  RankingResult result{.dataset = data.name(),
                       .task = task,
                       .split = options.split,
                       .prompt = options.prompt,
                       .prompt_digest = digest,
                       .method = recommender.method(),
                       .filter = options.FilterName(),
                       .score_normalization = options.score_normalization};
  const Request request(recommender, dataset, task, LargestK(metrics), options);
  WarnOfNarrowSearch(request, LargestK(metrics), sharding);
  const std::vector<datasets::Position> positions = EvaluationPositions(data, options);
  result.protocol = DescribeQuestions(data, positions);
  DescribeAsking(recommender, dataset, &result);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Query> queries = MakeQueries(data, positions, request.rank.filter);
  const std::string title = StrCat("evaluate ", data.name(), " ", task);
  OPENP5_ASSIGN_OR_RETURN(std::vector<Ranking> lists,
                          RankAll(recommender, queries, request, title, sharding));
  for (size_t i = 0; i < queries.size(); ++i) {
    result.rankings.push_back({.user = *queries[i].user,
                               .target = queries[i].target,
                               .items = std::move(lists[i].items),
                               .scores = std::move(lists[i].scores)});
  }
  if (request.rank.filter == Filter::kAfterwards) {
    result.unfiltered_metrics = Measure(metrics, {data, result.rankings});
    for (size_t i = 0; i < queries.size(); ++i) {
      RemovePast(datasets::DistinctItems(queries[i].history), static_cast<size_t>(request.length),
                 &result.rankings[i]);
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.metrics = Measure(metrics, {data, result.rankings});
  return result;
}

absl::StatusOr<int64_t> EvaluationMemory(const recommenders::Recommender& recommender,
                                         size_t dataset, const std::string& task, int64_t largest_k,
                                         const EvaluationOptions& options) {
  OPENP5_RETURN_IF_ERROR(options.Check());
  OPENP5_RETURN_IF_ERROR(recommender.PromptDigest(task, options.prompt).status());
  const SequenceDataset& data = recommender.dataset(dataset);
  const Request request(recommender, dataset, task, largest_k, options);
  const auto positions = EvaluationPositions(data, options);
  const std::vector<Query> queries =
      MakeQueries(data, LongestHistories(positions), request.rank.filter);
  return recommender.RankingMemory(queries, static_cast<int64_t>(positions.size()), request.asked,
                                   request.rank);
}

absl::Status CheckEvaluation(const recommenders::Recommender& recommender, size_t dataset,
                             const std::string& task, const EvaluationOptions& options) {
  OPENP5_RETURN_IF_ERROR(options.Check());
  const Request request(recommender, dataset, task, /*largest_k=*/1, options);
  return recommender.Start({}, request.asked, request.rank).status();
}

}  // namespace openp5::evaluators

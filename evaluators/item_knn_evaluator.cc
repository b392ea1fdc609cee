#include "evaluators/item_knn_evaluator.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "evaluators/best_items.h"
#include "evaluators/evaluation_users.h"
#include "evaluators/sparse_sums.h"

namespace openp5::evaluators {
namespace {

using Lists = std::vector<std::vector<int32_t>>;

// The distinct items of each user's training part, ascending.
Lists ItemsByUser(const datasets::SequenceDataset& dataset) {
  Lists items;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    const int32_t first_unseen = static_cast<int32_t>(dataset.TrainPart(user).size());
    items.push_back(PastItems(dataset, {.user = user, .target = first_unseen}));
  }
  return items;
}

Lists UsersByItem(const Lists& items_by_user, size_t item_count) {
  Lists users(item_count);
  for (size_t user = 0; user < items_by_user.size(); ++user) {
    for (const int32_t item : items_by_user[user]) {
      users[static_cast<size_t>(item)].push_back(static_cast<int32_t>(user));
    }
  }
  return users;
}

// Every item's most similar other items.
class Neighbourhoods {
 public:
  Neighbourhoods(const datasets::SequenceDataset& dataset, const ItemKnnOptions& options) {
    const Lists items_by_user = ItemsByUser(dataset);
    const Lists users_by_item =
        UsersByItem(items_by_user, static_cast<size_t>(dataset.item_count()));
    SparseSums common(users_by_item.size());  // users who have both items
    for (size_t item = 0; item < users_by_item.size(); ++item) {
      for (const int32_t user : users_by_item[item]) {
        for (const int32_t other : items_by_user[static_cast<size_t>(user)]) common.Add(other, 1);
      }
      neighbours_.push_back(Nearest(static_cast<int32_t>(item), common, users_by_item, options));
      common.Clear();
    }
  }

  const std::vector<ScoredItem>& Of(int32_t item) const {
    return neighbours_[static_cast<size_t>(item)];
  }

 private:
  static std::vector<ScoredItem> Nearest(int32_t item, const SparseSums& common,
                                         const Lists& users_by_item,
                                         const ItemKnnOptions& options) {
    const auto users_of = [&](int32_t of) {
      return static_cast<double>(users_by_item[static_cast<size_t>(of)].size());
    };
    std::vector<ScoredItem> candidates;
    for (const int32_t other : common.touched()) {
      if (other == item) continue;
      const double norms = std::sqrt(users_of(item) * users_of(other));
      candidates.push_back({other, common[other] / (norms + options.shrink)});
    }
    KeepBest(static_cast<size_t>(options.neighbours), &candidates);
    candidates.shrink_to_fit();
    return candidates;
  }

  std::vector<std::vector<ScoredItem>> neighbours_;
};

}  // namespace

void ItemKnnOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "item-knn-neighbours",
                 .help = "similar items that item-knn keeps of each item",
                 .minimum = 1,
                 .maximum = 1e6},
                &neighbours);
  visitor.Visit({.name = "item-knn-shrink",
                 .help = "added to the denominator of item-knn's cosine, so that similarities of "
                         "few users count less",
                 .minimum = 0,
                 .maximum = 1e6},
                &shrink);
}

RankingResult EvaluateItemKnn(const datasets::SequenceDataset& dataset, const std::string& task,
                              const std::vector<Metric>& metrics, const EvaluationOptions& options,
                              const ItemKnnOptions& knn) {
  const auto start = std::chrono::steady_clock::now();
  RankingResult result{.dataset = dataset.name(),
                       .task = task,
                       .split = options.split,
                       .prompt = options.prompt,
                       .method = "item-knn",
                       .filter = options.FilterName()};
  const Neighbourhoods neighbourhoods(dataset, knn);
  const auto length = static_cast<size_t>(std::max(options.beams, LargestK(metrics)));
  const bool filtered = options.filtered || options.filtered_batch;
  SparseSums scores(static_cast<size_t>(dataset.item_count()));
  for (const datasets::Position& position : EvaluationPositions(dataset, options)) {
    const std::vector<int32_t> past = PastItems(dataset, position);
    for (const int32_t item : past) {
      for (const auto& [other, similarity] : neighbourhoods.Of(item)) scores.Add(other, similarity);
    }
    std::vector<ScoredItem> candidates;
    for (const int32_t item : scores.touched()) {
      if (filtered && std::binary_search(past.begin(), past.end(), item)) continue;
      candidates.push_back({item, scores[item]});
    }
    scores.Clear();
    UserRanking ranking{
        .user = position.user,
        .target = dataset.Sequence(position.user)[static_cast<size_t>(position.target)]};
    RankBest(length, &candidates, &ranking);
    result.rankings.push_back(std::move(ranking));
  }
  result.metrics = AverageMetrics(metrics, result.rankings);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace openp5::evaluators

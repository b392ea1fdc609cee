#include "platform/recommenders/item_knn_recommender.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "datasets/item_sets.h"
#include "platform/recommenders/best_items.h"
#include "platform/recommenders/query_job.h"
#include "platform/recommenders/sparse_sums.h"

namespace openp5::recommenders {
namespace {

using Lists = std::vector<std::vector<int32_t>>;

// The distinct items of each user's training part, ascending.
Lists ItemsByUser(const datasets::SequenceDataset& dataset) {
  Lists items;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    items.push_back(datasets::DistinctItems(dataset.TrainPart(user)));
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

class ItemKnnRecommender final : public Recommender {
 public:
  ItemKnnRecommender(const datasets::SequenceDataset& dataset, const ItemKnnOptions& options)
      : dataset_(dataset),
        neighbourhoods_(dataset, options),
        sums_(static_cast<size_t>(dataset.item_count())) {}

  std::string method() const override { return "item-knn"; }
  const datasets::SequenceDataset& dataset(size_t) const override { return dataset_; }
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions&) const override {
    return MakeQueryJob(queries, k, [this](const Query& query, size_t count) {
      return sums_.With([&](SparseSums* scores) { return List(query, count, scores); });
    });
  }

 private:
  Ranking List(const Query& query, size_t count, SparseSums* scores) const {
    for (const int32_t item : datasets::DistinctItems(query.history)) {
      for (const auto& [other, similarity] : neighbourhoods_.Of(item)) {
        scores->Add(other, similarity);
      }
    }
    std::vector<ScoredItem> candidates;
    for (const int32_t item : scores->touched()) {
      if (std::binary_search(query.excluded.begin(), query.excluded.end(), item)) continue;
      candidates.push_back({item, (*scores)[item]});
    }
    return RankBest(count, std::move(candidates));
  }

  const datasets::SequenceDataset& dataset_;
  const Neighbourhoods neighbourhoods_;
  const SparseSumsPool sums_;
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

std::unique_ptr<Recommender> MakeItemKnn(const datasets::SequenceDataset& dataset,
                                         const ItemKnnOptions& options) {
  return std::make_unique<ItemKnnRecommender>(dataset, options);
}

}  // namespace openp5::recommenders

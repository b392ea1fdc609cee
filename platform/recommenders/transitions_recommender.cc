#include "platform/recommenders/transitions_recommender.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "datasets/item_sets.h"
#include "platform/recommenders/best_items.h"
#include "platform/recommenders/query_job.h"
#include "platform/recommenders/sparse_sums.h"

namespace openp5::recommenders {
namespace {

// The catalogue by the number of interactions in the training parts, the most frequent item first;
// equal numbers in order of raw id, so that the order does not depend on how items are numbered.
std::vector<int32_t> ByPopularity(const datasets::SequenceDataset& dataset) {
  const std::vector<int64_t> counts = datasets::TrainingCounts(dataset);
  std::vector<int32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const int64_t count_a = counts[static_cast<size_t>(a)],
                  count_b = counts[static_cast<size_t>(b)];
    return count_a != count_b ? count_a > count_b : dataset.ItemId(a) < dataset.ItemId(b);
  });
  return order;
}

// base^0, base^1, …: at most `count`, and none that is 0.
std::vector<double> Powers(double base, int64_t count) {
  std::vector<double> powers;
  for (int64_t i = 0; i < count; ++i) {
    const double power = std::pow(base, static_cast<double>(i));
    if (power == 0) break;
    powers.push_back(power);
  }
  return powers;
}

// Every item's successors with their decayed counts.
class Successors {
 public:
  Successors(const datasets::SequenceDataset& dataset, const TransitionsOptions& options) {
    const std::vector<double> weights = Powers(options.decay, options.window);
    const auto item_count = static_cast<size_t>(dataset.item_count());
    std::vector<std::vector<std::span<const int32_t>>> following(item_count);  // [item][occurrence]
    for (int32_t user = 0; user < dataset.user_count(); ++user) {
      const std::span<const int32_t> items = dataset.TrainPart(user);
      for (size_t i = 0; i + 1 < items.size(); ++i) {
        following[static_cast<size_t>(items[i])].push_back(
            items.subspan(i + 1, std::min(weights.size(), items.size() - i - 1)));
      }
    }
    SparseSums counts(item_count);
    for (const auto& occurrences : following) {
      for (const std::span<const int32_t> next : occurrences) {
        for (size_t d = 0; d < next.size(); ++d) counts.Add(next[d], weights[d]);
      }
      std::vector<ScoredItem>& kept = successors_.emplace_back();
      for (const int32_t item : counts.touched()) kept.push_back({item, counts[item]});
      counts.Clear();
    }
  }

  const std::vector<ScoredItem>& Of(int32_t item) const {
    return successors_[static_cast<size_t>(item)];
  }

 private:
  std::vector<std::vector<ScoredItem>> successors_;
};

// It sums by an item's place in the order of popularity, not by its number, so that the place
// decides between equal scores.
class TransitionsRecommender final : public Recommender {
 public:
  TransitionsRecommender(const datasets::SequenceDataset& dataset,
                         const TransitionsOptions& options)
      : dataset_(dataset),
        successors_(dataset, options),
        order_(ByPopularity(dataset)),
        place_(order_.size()),
        weights_(Powers(options.history_weight, options.history)),
        sums_(order_.size()) {
    for (size_t place = 0; place < order_.size(); ++place) {
      place_[static_cast<size_t>(order_[place])] = static_cast<int32_t>(place);
    }
  }

  std::string method() const override { return "transitions"; }
  const datasets::SequenceDataset& dataset(size_t) const override { return dataset_; }
  int64_t history_length(size_t) const override { return static_cast<int64_t>(weights_.size()); }
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions&) const override {
    return MakeQueryJob(queries, k, [this](const Query& query, size_t count) {
      return sums_.With([&](SparseSums* scores) { return List(query, count, scores); });
    });
  }

 private:
  Ranking List(const Query& query, size_t length, SparseSums* scores) const {
    const std::span<const int32_t> history = query.history;
    for (size_t j = 0; j < std::min(history.size(), weights_.size()); ++j) {
      for (const auto& [next, count] : successors_.Of(history[history.size() - 1 - j])) {
        scores->Add(place_[static_cast<size_t>(next)], weights_[j] * count);
      }
    }
    const auto is_excluded = [&](int32_t place) {
      return std::binary_search(query.excluded.begin(), query.excluded.end(),
                                order_[static_cast<size_t>(place)]);
    };
    std::vector<ScoredItem> candidates;
    for (const int32_t place : scores->touched()) {
      if (!is_excluded(place)) candidates.push_back({place, (*scores)[place]});
    }
    const auto count = static_cast<int32_t>(order_.size());
    for (int32_t place = 0; place < count && candidates.size() < length; ++place) {
      if ((*scores)[place] == 0 && !is_excluded(place)) candidates.push_back({place, 0});
    }
    Ranking ranking = RankBest(length, std::move(candidates));
    for (int32_t& item : ranking.items) item = order_[static_cast<size_t>(item)];
    return ranking;
  }

  const datasets::SequenceDataset& dataset_;
  const Successors successors_;
  const std::vector<int32_t> order_;  // [place] item
  std::vector<int32_t> place_;        // [item] place
  const std::vector<double> weights_;
  const SparseSumsPool sums_;  // by place
};

}  // namespace

void TransitionsOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "transitions-window",
                 .help = "items after an item that transitions counts as its successors",
                 .minimum = 1,
                 .maximum = 1000},
                &window);
  visitor.Visit({.name = "transitions-decay",
                 .help = "what a successor one step further away counts, as a share",
                 .minimum = 0,
                 .maximum = 1},
                &decay);
  visitor.Visit({.name = "transitions-history-weight",
                 .help = "what a history item one step further back counts, as a share",
                 .minimum = 0,
                 .maximum = 1},
                &history_weight);
  visitor.Visit({.name = "transitions-history",
                 .help = "latest items of a user whose successors transitions adds up",
                 .minimum = 1,
                 .maximum = 10000},
                &history);
}

std::unique_ptr<Recommender> MakeTransitions(const datasets::SequenceDataset& dataset,
                                             const TransitionsOptions& options) {
  return std::make_unique<TransitionsRecommender>(dataset, options);
}

}  // namespace openp5::recommenders

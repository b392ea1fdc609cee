#include "platform/recommenders/popularity_recommender.h"

#include <algorithm>
#include <numeric>

#include "datasets/item_sets.h"
#include "platform/recommenders/query_job.h"

namespace openp5::recommenders {
namespace {

class PopularityRecommender final : public Recommender {
 public:
  explicit PopularityRecommender(const datasets::SequenceDataset& dataset)
      : dataset_(dataset), counts_(datasets::TrainingCounts(dataset)), ranked_(counts_.size()) {
    std::iota(ranked_.begin(), ranked_.end(), 0);
    std::stable_sort(ranked_.begin(), ranked_.end(), [&](int32_t a, int32_t b) {
      return counts_[static_cast<size_t>(a)] > counts_[static_cast<size_t>(b)];
    });
  }

  std::string method() const override { return "popularity"; }
  const datasets::SequenceDataset& dataset(size_t) const override { return dataset_; }
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions&) const override {
    return MakeQueryJob(queries, k,
                        [this](const Query& query, size_t count) { return List(query, count); });
  }

 private:
  Ranking List(const Query& query, size_t count) const {
    Ranking ranking;
    for (const int32_t item : ranked_) {
      if (ranking.items.size() == count) break;
      if (std::binary_search(query.excluded.begin(), query.excluded.end(), item)) continue;
      ranking.items.push_back(item);
      ranking.scores.push_back(static_cast<float>(counts_[static_cast<size_t>(item)]));
    }
    return ranking;
  }

  const datasets::SequenceDataset& dataset_;
  const std::vector<int64_t> counts_;
  std::vector<int32_t> ranked_;
};

}  // namespace

std::unique_ptr<Recommender> MakePopularity(const datasets::SequenceDataset& dataset) {
  return std::make_unique<PopularityRecommender>(dataset);
}

}  // namespace openp5::recommenders

#include "platform/recommenders/fused_recommender.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "platform/recommenders/best_items.h"

namespace openp5::recommenders {
namespace {

class FusionJob final : public RankingJob {
 public:
  FusionJob(std::vector<std::unique_ptr<RankingJob>> jobs, std::vector<double> weights,
            const FusionOptions& options, int64_t k)
      : jobs_(std::move(jobs)), weights_(std::move(weights)), options_(options), k_(k) {}

  int64_t Cost(size_t query) const override { return jobs_.front()->Cost(query); }
  // The parts work one after another.
  absl::StatusOr<int64_t> Memory(int64_t count) const override {
    int64_t most = 0;
    for (const auto& job : jobs_) {
      OPENP5_ASSIGN_OR_RETURN(const int64_t bytes, job->Memory(count));
      most = std::max(most, bytes);
    }
    return most;
  }
  absl::StatusOr<std::vector<Ranking>> Rank(std::span<const size_t> queries) const override {
    std::vector<std::vector<Ranking>> of_parts;
    for (const auto& job : jobs_) {
      OPENP5_ASSIGN_OR_RETURN(auto lists, job->Rank(queries));
      of_parts.push_back(std::move(lists));
    }
    std::vector<Ranking> fused;
    for (size_t i = 0; i < queries.size(); ++i) {
      std::vector<const Ranking*> lists;
      for (const auto& lists_of_part : of_parts) lists.push_back(&lists_of_part[i]);
      fused.push_back(FuseRankings(lists, weights_, options_, k_));
    }
    return fused;
  }

 private:
  const std::vector<std::unique_ptr<RankingJob>> jobs_;
  const std::vector<double> weights_;
  const FusionOptions options_;
  const int64_t k_;
};

}  // namespace

void FusionOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "fuse-depth",
                 .help = "items of each list that --fuse looks at; searches are as wide",
                 .minimum = 1,
                 .maximum = 100000},
                &depth);
  visitor.Visit({.name = "fuse-constant",
                 .help = "added to an item's rank: it scores the sum of weight / (this + rank)",
                 .minimum = 0,
                 .maximum = 1e6},
                &constant);
}

Ranking FuseRankings(std::span<const Ranking* const> lists, std::span<const double> weights,
                     const FusionOptions& options, int64_t k) {
  std::unordered_map<int32_t, double> scores;
  for (size_t list = 0; list < lists.size(); ++list) {
    const std::vector<int32_t>& items = lists[list]->items;
    const size_t depth = std::min(items.size(), static_cast<size_t>(options.depth));
    for (size_t i = 0; i < depth; ++i) {
      if (items[i] < 0 || weights[list] <= 0) continue;
      scores[items[i]] += weights[list] / (options.constant + static_cast<double>(i + 1));
    }
  }
  std::vector<ScoredItem> candidates;
  for (const auto& [item, score] : scores) candidates.push_back({item, score});
  return RankBest(static_cast<size_t>(k), std::move(candidates));
}

absl::StatusOr<std::unique_ptr<FusedRecommender>> FusedRecommender::Create(
    std::vector<Part> parts, const FusionOptions& options) {
  OPENP5_CHECK(!parts.empty());
  const datasets::SequenceDataset& first = parts.front().recommender->dataset(0);
  for (const Part& part : parts) {
    const datasets::SequenceDataset& other = part.recommender->dataset(0);
    if (other.digest() == first.digest() && other.item_count() == first.item_count()) continue;
    return FailedPrecondition("--fuse: expected recommenders of the same data, got ", first.name(),
                              " and ", other.name());
  }
  return std::unique_ptr<FusedRecommender>(new FusedRecommender(std::move(parts), options));
}

bool FusedRecommender::runs_side_by_side() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.recommender->runs_side_by_side(); });
}

std::vector<std::string> FusedRecommender::index_mismatches() const {
  std::vector<std::string> all;
  for (const Part& part : parts_) {
    for (std::string& one : part.recommender->index_mismatches()) all.push_back(std::move(one));
  }
  return all;
}

void FusedRecommender::SetWeights(std::span<const double> weights) {
  OPENP5_CHECK(weights.size() == parts_.size());
  for (size_t i = 0; i < parts_.size(); ++i) parts_[i].weight = weights[i];
}

absl::StatusOr<std::unique_ptr<RankingJob>> FusedRecommender::Start(
    std::span<const Query> queries, int64_t k, const RankOptions& options) const {
  const int64_t depth = std::max(k, options_.depth);
  RankOptions of_part = options;
  of_part.beams = depth;
  std::vector<std::unique_ptr<RankingJob>> jobs;
  std::vector<double> weights;
  for (const Part& part : parts_) {
    OPENP5_ASSIGN_OR_RETURN(auto job, part.recommender->Start(queries, depth, of_part));
    jobs.push_back(std::move(job));
    weights.push_back(part.weight);
  }
  return std::make_unique<FusionJob>(std::move(jobs), std::move(weights), options_, k);
}

}  // namespace openp5::recommenders

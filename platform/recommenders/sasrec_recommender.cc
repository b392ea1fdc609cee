#include "platform/recommenders/sasrec_recommender.h"

#include <c10/core/GradMode.h>
#include <torch/types.h>

#include <utility>

#include "platform/models/sasrec/pack_histories.h"
#include "platform/recommenders/best_items.h"
#include "platform/tensor/allocation_meter.h"
#include "platform/tensor/runtime.h"

namespace openp5::recommenders {
namespace {

using History = std::span<const int32_t>;

// The list of a row of scores, by item number.
Ranking ListByScores(const at::Tensor& scores, const std::vector<int32_t>& excluded, size_t count) {
  const float* values = scores.const_data_ptr<float>();
  std::vector<ScoredItem> candidates;
  candidates.reserve(static_cast<size_t>(scores.size(0)));
  auto next_excluded = excluded.begin();
  for (int32_t item = 0; item < scores.size(0); ++item) {
    if (next_excluded != excluded.end() && *next_excluded == item) {
      ++next_excluded;
    } else {
      candidates.push_back({item, values[item]});
    }
  }
  return RankBest(count, std::move(candidates));
}

class SasrecRecommender final : public Recommender {
 public:
  SasrecRecommender(const models::SasrecModel& model, const datasets::SequenceDataset& dataset,
                    std::vector<int64_t> rows, c10::Device device,
                    std::shared_ptr<const void> owner)
      : model_(model),
        dataset_(dataset),
        rows_(std::move(rows)),
        device_(device),
        owner_(std::move(owner)) {
    OPENP5_CHECK(static_cast<int64_t>(rows_.size()) == dataset_.item_count());
  }

  const datasets::SequenceDataset& dataset(size_t) const override { return dataset_; }
  int64_t history_length(size_t) const override { return model_.config().max_length; }
  bool runs_side_by_side() const override { return device_.is_cpu(); }
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions& options) const override;

  // Every item's score after each of the histories, [histories, items] float32 on the CPU.
  at::Tensor Score(std::span<const History> histories) const {
    const c10::AutoGradMode no_gradients(false);
    const models::PackedBatch batch =
        models::PackHistories(histories, rows_, model_.config().max_length, device_);
    const at::Tensor states = model_.Forward(batch).index_select(0, models::LastPositions(batch));
    const at::Tensor rows = torch::tensor(rows_, torch::kLong).to(device_);
    return model_.Scores(states).index_select(1, rows).to(at::kCPU).contiguous();
  }

 private:
  const models::SasrecModel& model_;
  const datasets::SequenceDataset& dataset_;
  const std::vector<int64_t> rows_;
  const c10::Device device_;
  const std::shared_ptr<const void> owner_;
};

class ScoringJob final : public RankingJob {
 public:
  ScoringJob(const SasrecRecommender& recommender, std::span<const Query> queries, int64_t k)
      : recommender_(recommender),
        queries_(queries.begin(), queries.end()),
        k_(static_cast<size_t>(k)) {}

  int64_t Cost(size_t query) const override {
    return static_cast<int64_t>(queries_[query].history.size());
  }
  // Scores one user and two and concludes what a batch takes.
  absl::StatusOr<int64_t> Memory(int64_t count) const override {
    History longest;
    for (const Query& query : queries_) {
      if (query.history.size() > longest.size()) longest = query.history;
    }
    SizedBytes one, two;
    OPENP5_RETURN_IF_ERROR(CatchTorch("ranking", [&] {
      const auto measure = [&](size_t users) {
        AllocationMeter meter;
        recommender_.Score(std::vector<History>(users, longest));
        return SizedBytes{static_cast<double>(users), meter.TakePeak()};
      };
      one = measure(1);
      two = measure(2);
      return absl::OkStatus();
    }));
    return ExtrapolateBytes(one, two, static_cast<double>(count)) +
           recommender_.dataset(0).item_count() * static_cast<int64_t>(sizeof(ScoredItem));
  }
  absl::StatusOr<std::vector<Ranking>> Rank(std::span<const size_t> queries) const override {
    std::vector<Ranking> rankings;
    OPENP5_RETURN_IF_ERROR(CatchTorch("ranking", [&] {
      std::vector<History> histories;
      for (const size_t query : queries) histories.push_back(queries_[query].history);
      const at::Tensor scores = recommender_.Score(histories);
      for (size_t i = 0; i < queries.size(); ++i) {
        rankings.push_back(
            ListByScores(scores[static_cast<int64_t>(i)], queries_[queries[i]].excluded, k_));
      }
      return absl::OkStatus();
    }));
    return rankings;
  }

 private:
  const SasrecRecommender& recommender_;
  const std::vector<Query> queries_;
  const size_t k_;
};

absl::StatusOr<std::unique_ptr<RankingJob>> SasrecRecommender::Start(std::span<const Query> queries,
                                                                     int64_t k,
                                                                     const RankOptions&) const {
  for (const Query& query : queries) {
    if (query.history.empty()) {
      return InvalidArgument("history: expected at least one item, which a SASRec reads; got none");
    }
  }
  return std::make_unique<ScoringJob>(*this, queries, k);
}

}  // namespace

std::unique_ptr<Recommender> MakeSasrec(const models::SasrecModel& model,
                                        const datasets::SequenceDataset& dataset,
                                        std::vector<int64_t> rows, c10::Device device,
                                        std::shared_ptr<const void> owner) {
  return std::make_unique<SasrecRecommender>(model, dataset, std::move(rows), device,
                                             std::move(owner));
}

}  // namespace openp5::recommenders

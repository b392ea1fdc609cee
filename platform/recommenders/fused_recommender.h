#ifndef OPENP5_PLATFORM_RECOMMENDERS_FUSED_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_FUSED_RECOMMENDER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/recommenders/recommender.h"

namespace openp5::recommenders {

struct FusionOptions {
  int64_t depth = 100;   // items of each list that are looked at
  double constant = 10;  // added to a rank: the larger, the less the first ranks count

  void ForEach(OptionVisitor& visitor);
};

// Reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009): an item scores the sum of weight /
// (constant + rank) over the lists it is in, ranks counted from 1. The `k` best items, equal scores
// in order of item number. `lists` and `weights` [lists]; items of a list beyond `depth` do not
// count.
Ranking FuseRankings(std::span<const Ranking* const> lists, std::span<const double> weights,
                     const FusionOptions& options, int64_t k);

// One list of those of several recommenders. They know the same items under the same numbers.
class FusedRecommender final : public Recommender {
 public:
  struct Part {
    const Recommender* recommender = nullptr;  // outlives this
    double weight = 1;
  };

  // FailedPrecondition if the parts' first datasets are not the same data.
  static absl::StatusOr<std::unique_ptr<FusedRecommender>> Create(std::vector<Part> parts,
                                                                  const FusionOptions& options);

  std::string method() const override { return "fused"; }
  const datasets::SequenceDataset& dataset(size_t number) const override {
    return parts_.front().recommender->dataset(number);
  }
  absl::StatusOr<std::string> PromptDigest(const std::string& task,
                                           const std::string& prompt) const override {
    return parts_.front().recommender->PromptDigest(task, prompt);
  }
  bool runs_side_by_side() const override;
  std::vector<std::string> index_mismatches() const override;
  // Every part is asked for `depth` items, or `k` if that is more, by a search as wide.
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions& options) const override;

  const std::vector<Part>& parts() const { return parts_; }
  const FusionOptions& options() const { return options_; }
  void SetWeights(std::span<const double> weights);

 private:
  FusedRecommender(std::vector<Part> parts, const FusionOptions& options)
      : parts_(std::move(parts)), options_(options) {}

  std::vector<Part> parts_;
  const FusionOptions options_;
};

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_FUSED_RECOMMENDER_H_

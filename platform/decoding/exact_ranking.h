#ifndef OPENP5_PLATFORM_DECODING_EXACT_RANKING_H_
#define OPENP5_PLATFORM_DECODING_EXACT_RANKING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "platform/base/status.h"
#include "platform/decoding/prefix_constraint.h"
#include "platform/models/common/generation.h"

namespace openp5::decoding {

struct ExactRankingOptions {
  int64_t count = 10;  // length of the lists
  // Added to the number of generated tokens that a score is divided by (see BeamSearchOptions).
  int64_t added_score_length = 0;
  // Scores are renormalised over the allowed tokens (see BeamSearchOptions).
  bool normalize_over_allowed = false;
  // Continuations computed at once, over all users: this bounds the memory. The model's cache is
  // held for so many continuations at every depth of the tree.
  int64_t max_rows = 512;
};

struct RankedItem {
  int32_t item = -1;
  float score = 0;  // as Hypothesis::score
};

// The best `count` items for every prompt of `prompts`, best first, found by computing the score of
// every identifier: what a beam search with a beam for every item finds. Equal scores are in the
// order of item numbers. The time grows with the number of nodes of the tree, and the memory does
// not. `excluded_items` is as for BeamSearch. After SIGINT or SIGTERM, where they are caught, it
// returns at once with what it has. InvalidArgument for a count or max_rows below 1, or sizes that
// do not match.
absl::StatusOr<std::vector<std::vector<RankedItem>>> RankAllItems(
    models::GenerativeModel& model, const models::PackedBatch& prompts,
    const PrefixConstraint& constraint, std::span<const std::vector<int32_t>> excluded_items,
    const ExactRankingOptions& options);

}  // namespace openp5::decoding

#endif  // OPENP5_PLATFORM_DECODING_EXACT_RANKING_H_

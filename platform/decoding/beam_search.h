#ifndef OPENP5_PLATFORM_DECODING_BEAM_SEARCH_H_
#define OPENP5_PLATFORM_DECODING_BEAM_SEARCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "platform/base/status.h"
#include "platform/decoding/prefix_constraint.h"
#include "platform/models/common/generation.h"

namespace openp5::decoding {

struct BeamSearchOptions {
  int64_t beams = 10;
  int64_t max_length =
      50;  // tokens, the start token included; longer identifiers are cut as in OpenP5
  int32_t end_token = 1;
  // Added to the number of generated tokens that a score is divided by. transformers counts the
  // prompt of a causal model, padding included.
  int64_t added_score_length = 0;
  // When a search stops: transformers 4.31 divides by a length that is one more than 4.26's.
  bool late_stop_length = false;
  // Hugging Face fills a list with repeats at about -1e9/length when fewer items than beams can be
  // reached. Off: such a list is short and holds every reachable item once.
  bool pad_with_duplicates = false;
  // Scores over the whole vocabulary as Hugging Face's (false) or renormalised over the allowed
  // tokens.
  bool normalize_over_allowed = false;
};

struct Hypothesis {
  int32_t item = -1;            // -1 if max_length cut it before its end token
  std::vector<int32_t> tokens;  // start token first, end token last (if reached)
  // Sum of log-probabilities / (number of generated tokens + added_score_length).
  float score = 0;
};

// Constrained beam search equal to Hugging Face's `generate` (scores, ranks, when it stops)
// for every prompt of `prompts` on its own: batch mates, their order and number do not matter.
// `constraint`'s sequences start after the start token. `excluded_items[i]`, if `excluded_items` is
// not empty, are items prompt i may not generate. Best hypothesis first; ties keep search order.
// InvalidArgument for beams or max_length below 1 or sizes that do not match.
absl::StatusOr<std::vector<std::vector<Hypothesis>>> BeamSearch(
    models::GenerativeModel& model, const models::PackedBatch& prompts,
    const PrefixConstraint& constraint, std::span<const std::vector<int32_t>> excluded_items,
    const BeamSearchOptions& options);

}  // namespace openp5::decoding

#endif  // OPENP5_PLATFORM_DECODING_BEAM_SEARCH_H_

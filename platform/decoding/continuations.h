#ifndef OPENP5_PLATFORM_DECODING_CONTINUATIONS_H_
#define OPENP5_PLATFORM_DECODING_CONTINUATIONS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "platform/decoding/prefix_constraint.h"
#include "platform/models/common/generation.h"

namespace openp5::decoding {

// What the searches over a prefix tree share: which continuations are allowed, and their scores.

// How many of a user's excluded items lie below each node on their paths.
using Excluded = std::unordered_map<NodeId, int32_t>;

// Costs what `items` have tokens, however many items there are.
Excluded CountExcluded(const PrefixConstraint& constraint, std::vector<int32_t> items);

// False if every item below `node` is excluded.
bool IsAllowed(const PrefixConstraint& constraint, const Excluded& excluded, NodeId node);

// One allowed continuation whose log-probability is wanted.
struct Wanted {
  int64_t row;
  int32_t token;
};

// Rows of scores over the vocabulary that are held at once.
inline constexpr int64_t kLogitRows = 256;

// Log-probabilities of `wanted` (ordered by row) given hidden states [rows, d_model], over the
// whole vocabulary; `over_allowed`: over a row's wanted tokens only.
std::vector<float> LogProbabilities(const models::GenerationState& state, const at::Tensor& hidden,
                                    const std::vector<Wanted>& wanted, bool over_allowed);

}  // namespace openp5::decoding

#endif  // OPENP5_PLATFORM_DECODING_CONTINUATIONS_H_

#ifndef OPENP5_PLATFORM_MODELS_COMMON_RAGGED_ATTENTION_H_
#define OPENP5_PLATFORM_MODELS_COMMON_RAGGED_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "platform/models/common/packed_batch.h"

namespace openp5::models {

// How the sequences of a packed batch are laid out for attention: in groups of neighbours of
// near-equal length, so that little is computed on padding. Immutable, shared by all layers.
class AttentionLayout {
 public:
  // One side (queries or keys) of a group: `count` neighbouring sequences, padded to `length`.
  struct Side {
    int64_t start = 0;      // first token in the packed batch
    int64_t tokens = 0;     // real tokens
    int64_t length = 0;     // longest sequence
    at::Tensor pad_index;   // [count * length] int64 into the group's tokens, 0 at padding;
                            // undefined if all have that length
    at::Tensor real_index;  // [tokens] int64, where the group's tokens stand once padded; likewise
  };
  struct Group {
    int64_t count = 0;
    Side queries, keys;
    // Added to the scores of every head, [count, 1, 1 or query length, key length] float32, 0 or
    // lowest; undefined: nothing is hidden.
    at::Tensor mask;
  };

  // Sequence i has query_lengths[i] queries and key_lengths[i] keys, all > 0.
  AttentionLayout(const std::vector<int64_t>& query_lengths,
                  const std::vector<int64_t>& key_lengths, c10::Device device);

  // Self-attention of sequences with branches ([sequences], see PackedBatch): a token sees itself,
  // those before it in its branch, and those of the trunk its branch follows. No causal bias is
  // needed besides. Memory: 4 bytes for every two tokens of one sequence.
  AttentionLayout(const std::vector<int64_t>& lengths,
                  const std::vector<std::vector<Branch>>& branches, c10::Device device);

  const std::vector<Group>& groups() const { return groups_; }
  int64_t longest_query() const { return longest_query_; }
  int64_t longest_key() const { return longest_key_; }

 private:
  std::vector<Group> groups_;
  int64_t longest_query_ = 0, longest_key_ = 0;
};

struct AttentionOptions {
  int64_t heads = 1;
  double divisor = 1;  // of the products of queries and keys
  double dropout = 0;  // probability that a weight is zeroed, 0 outside training
};

// softmax(q kᵀ / divisor + bias) v for every sequence and head.
// `query` [query tokens, heads * d], `key` and `value` [key tokens, heads * d] are packed float32;
// `bias`, if given, [heads, ≥ longest query, ≥ longest key] is added to the scores (its top-left
// part where sequences are shorter); one without a gradient may be [1, …]. Returns [query tokens,
// heads * d]. Differentiable in all four.
at::Tensor RaggedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const std::optional<at::Tensor>& bias,
                           std::shared_ptr<const AttentionLayout> layout,
                           const AttentionOptions& options);

// The group's part of a packed tensor, padded: [count, length, columns]; a view if nothing is
// padded.
at::Tensor PadGroup(const at::Tensor& packed, const AttentionLayout::Side& side, int64_t count);

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_RAGGED_ATTENTION_H_

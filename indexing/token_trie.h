#ifndef OPENP5_INDEXING_TOKEN_TRIE_H_
#define OPENP5_INDEXING_TOKEN_TRIE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "platform/base/status.h"
#include "platform/decoding/prefix_constraint.h"

namespace openp5::indexing {

// Immutable prefix tree over the token sequences of all items, in flat arrays (CSR, breadth first).
// Thread-safe. Memory: 12 bytes a node and 4 an item.
class TokenTrie final : public decoding::PrefixConstraint {
 public:
  // `sequences[i]` is the sequence of item i, with its end token. InvalidArgument if there is none,
  // if one is empty, if two items share a sequence or one is a prefix of another (the message names
  // both items): with an end token that nothing else uses, the last cannot happen.
  static absl::StatusOr<TokenTrie> Create(std::span<const std::vector<int32_t>> sequences);

  decoding::NodeId root() const override { return 0; }
  std::span<const int32_t> ChildTokens(decoding::NodeId node) const override;
  decoding::NodeId FirstChild(decoding::NodeId node) const override;
  int32_t ItemCount(decoding::NodeId node) const override;
  int32_t ItemAt(decoding::NodeId node) const override;
  decoding::NodeId LeafOf(int32_t item) const override;
  decoding::NodeId Parent(decoding::NodeId node) const override;

  int32_t node_count() const { return static_cast<int32_t>(token_.size()); }
  // The node reached by `tokens` from the root, or -1.
  decoding::NodeId Walk(std::span<const int32_t> tokens) const;

 private:
  std::vector<int32_t> token_;  // [nodes] token that leads to the node; the root's is unused
  std::vector<int32_t> first_;  // [nodes + 1] children of n are first_[n] .. first_[n+1]
  std::vector<int32_t> count_;  // [nodes] items below; at a leaf (no children) its item number
  std::vector<int32_t> leaf_;   // [items]
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_TOKEN_TRIE_H_

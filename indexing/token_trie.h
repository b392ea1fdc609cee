#ifndef OPENP5_INDEXING_TOKEN_TRIE_H_
#define OPENP5_INDEXING_TOKEN_TRIE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/status.h"
#include "platform/decoding/prefix_constraint.h"

namespace openp5::indexing {

// Immutable prefix tree over the token sequences of all items, in flat arrays (CSR, breadth first).
// Thread-safe; copies share the arrays. Memory: 12 bytes a node and 4 an item.
class TokenTrie final : public decoding::PrefixConstraint {
 public:
  // `sequences[i]` is the sequence of item i, with its end token. InvalidArgument if there is none,
  // if one is empty, if two items share a sequence or one is a prefix of another (the message names
  // both items): with an end token that nothing else uses, the last cannot happen.
  static absl::StatusOr<TokenTrie> Create(std::span<const std::vector<int32_t>> sequences);

  // Maps a file that Write made (format in indexing/FORMAT.md) into memory. NotFound; DataLoss if
  // it is damaged, of another version, or not of `key`.
  static absl::StatusOr<TokenTrie> Open(const std::string& path, std::string_view key);
  // Writes it whole or not at all. `key` (64 characters) says what the tree was made from.
  absl::Status Write(const std::string& path, std::string_view key) const;

  decoding::NodeId root() const override { return 0; }
  std::span<const int32_t> ChildTokens(decoding::NodeId node) const override;
  decoding::NodeId FirstChild(decoding::NodeId node) const override;
  int32_t ItemCount(decoding::NodeId node) const override;
  int32_t ItemAt(decoding::NodeId node) const override;
  decoding::NodeId LeafOf(int32_t item) const override;
  decoding::NodeId Parent(decoding::NodeId node) const override;

  int32_t node_count() const { return static_cast<int32_t>(token_.size()); }
  // Tokens of the longest sequence.
  int32_t depth() const { return depth_; }
  // The node reached by `tokens` from the root, or -1.
  decoding::NodeId Walk(std::span<const int32_t> tokens) const;

 private:
  TokenTrie() = default;
  // True if every number leads where a tree's may.
  bool IsSound() const;

  std::shared_ptr<const void> storage_;  // of the arrays
  std::span<const int32_t> token_;       // [nodes] leads to the node; the root's is -1
  std::span<const int32_t> first_;       // [nodes + 1] children of n are first_[n] .. first_[n+1]
  std::span<const int32_t> count_;  // [nodes] items below; at a leaf (no children) its item number
  std::span<const int32_t> leaf_;   // [items]
  int32_t depth_ = 0;
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_TOKEN_TRIE_H_

#ifndef OPENP5_PLATFORM_DECODING_PREFIX_CONSTRAINT_H_
#define OPENP5_PLATFORM_DECODING_PREFIX_CONSTRAINT_H_

#include <cstdint>
#include <span>

namespace openp5::decoding {

using NodeId = int32_t;

// The token sequences a search may generate, as a prefix tree. Every sequence ends in an end token,
// whose node is a leaf and stands for one item. The children of a node have consecutive ids in the
// order of their tokens. Implementations are immutable and thread-safe.
class PrefixConstraint {
 public:
  virtual ~PrefixConstraint() = default;

  virtual NodeId root() const = 0;
  // Tokens that may follow the prefix at `node`, ascending. Empty at a leaf: not an error.
  virtual std::span<const int32_t> ChildTokens(NodeId node) const = 0;
  // Node of the first of ChildTokens(node); the others follow. Undefined at a leaf.
  virtual NodeId FirstChild(NodeId node) const = 0;
  // Number of items whose sequence starts with the prefix at `node`.
  virtual int32_t ItemCount(NodeId node) const = 0;
  // The item of a leaf; -1 at other nodes.
  virtual int32_t ItemAt(NodeId node) const = 0;
  // The leaf of `item`; -1 if it has none. In constant time.
  virtual NodeId LeafOf(int32_t item) const = 0;
  // The node that has `node` as a child; -1 at the root. At most logarithmic in the number of
  // nodes.
  virtual NodeId Parent(NodeId node) const = 0;
};

}  // namespace openp5::decoding

#endif  // OPENP5_PLATFORM_DECODING_PREFIX_CONSTRAINT_H_

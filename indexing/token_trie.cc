#include "indexing/token_trie.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace openp5::indexing {
namespace {

struct Arrays {
  std::vector<int32_t> token = {-1}, first, count, leaf;
};

// A node under construction: the items (as positions in the sorted order) that share its prefix.
struct Range {
  size_t begin, end;
};

absl::Status Clash(int32_t a, int32_t b, bool same) {
  if (same) {
    return InvalidArgument("token trie: items ", std::min(a, b), " and ", std::max(a, b),
                           " have the same token sequence");
  }
  return InvalidArgument("token trie: the token sequence of item ", a,
                         " is the beginning of that of item ", b,
                         "; expected every sequence to end in an end token");
}

}  // namespace

absl::StatusOr<TokenTrie> TokenTrie::Create(std::span<const std::vector<int32_t>> sequences) {
  if (sequences.empty()) return InvalidArgument("token trie: expected at least one item, got none");
  int64_t tokens = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].empty()) {
      return InvalidArgument("token trie: the token sequence of item ", i, " is empty");
    }
    tokens += static_cast<int64_t>(sequences[i].size());
  }
  if (tokens >= std::numeric_limits<int32_t>::max()) {
    return InvalidArgument("token trie: expected less than 2^31 tokens, got ", tokens);
  }
  std::vector<int32_t> order(sequences.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return sequences[a] < sequences[b]; });

  auto arrays = std::make_shared<Arrays>();
  auto& [token, first, count, leaf] = *arrays;
  leaf.resize(sequences.size());
  TokenTrie trie;
  std::vector<Range> level = {{0, order.size()}}, next;
  for (size_t depth = 0; !level.empty(); ++depth) {
    trie.depth_ = static_cast<int32_t>(depth);
    next.clear();
    for (const Range& node : level) {
      first.push_back(static_cast<int32_t>(token.size()));
      const int32_t shortest = order[node.begin];
      if (sequences[shortest].size() == depth) {
        if (node.end - node.begin > 1) {
          const int32_t other = order[node.begin + 1];
          return Clash(shortest, other, sequences[other].size() == depth);
        }
        leaf[static_cast<size_t>(shortest)] = static_cast<int32_t>(count.size());
        count.push_back(shortest);
        continue;
      }
      count.push_back(static_cast<int32_t>(node.end - node.begin));
      for (size_t begin = node.begin; begin < node.end;) {
        const int32_t child = sequences[order[begin]][depth];
        size_t end = begin + 1;
        while (end < node.end && sequences[order[end]][depth] == child) ++end;
        token.push_back(child);
        next.push_back({begin, end});
        begin = end;
      }
    }
    level.swap(next);
  }
  first.push_back(static_cast<int32_t>(token.size()));
  for (std::vector<int32_t>* array : {&token, &first, &count}) array->shrink_to_fit();
  trie.token_ = token;
  trie.first_ = first;
  trie.count_ = count;
  trie.leaf_ = leaf;
  trie.storage_ = std::move(arrays);
  return trie;
}

std::span<const int32_t> TokenTrie::ChildTokens(decoding::NodeId node) const {
  return token_.subspan(first_[node], first_[node + 1] - first_[node]);
}

decoding::NodeId TokenTrie::FirstChild(decoding::NodeId node) const { return first_[node]; }

int32_t TokenTrie::ItemCount(decoding::NodeId node) const {
  return first_[node] == first_[node + 1] ? 1 : count_[node];
}

int32_t TokenTrie::ItemAt(decoding::NodeId node) const {
  return first_[node] == first_[node + 1] ? count_[node] : -1;
}

decoding::NodeId TokenTrie::LeafOf(int32_t item) const {
  return item >= 0 && static_cast<size_t>(item) < leaf_.size() ? leaf_[static_cast<size_t>(item)]
                                                               : -1;
}

decoding::NodeId TokenTrie::Parent(decoding::NodeId node) const {
  if (node == root()) return -1;
  // Breadth first: `first_` ascends, and of nodes that start at the same child the last has it.
  return static_cast<decoding::NodeId>(std::upper_bound(first_.begin(), first_.end(), node) -
                                       first_.begin() - 1);
}

decoding::NodeId TokenTrie::Walk(std::span<const int32_t> tokens) const {
  decoding::NodeId node = root();
  for (const int32_t token : tokens) {
    const auto children = ChildTokens(node);
    const auto found = std::lower_bound(children.begin(), children.end(), token);
    if (found == children.end() || *found != token) return -1;
    node = FirstChild(node) + static_cast<decoding::NodeId>(found - children.begin());
  }
  return node;
}

}  // namespace openp5::indexing

#ifndef OPENP5_INDEXING_CLUSTERING_CLUSTER_TREE_H_
#define OPENP5_INDEXING_CLUSTERING_CLUSTER_TREE_H_

#include <cstdint>
#include <vector>

#include "indexing/clustering/interaction_counts.h"

namespace openp5::indexing {

struct ClusterTreeOptions {
  int clusters = 20;     // most groups a split makes; 2 <= clusters <= token_size
  int token_size = 200;  // most items in a leaf group, and modulus of group tokens
};

// A group of items that is not split further.
struct LeafGroup {
  std::vector<int32_t> path;   // tokens of the groups it lies in, outermost first; never empty
  std::vector<int32_t> items;  // ascending
};

// Splits all items of `counts` by ClusterSpectrally, and each group of more than token_size items
// again, breadth first. Groups of a split are ordered by their smallest item; a group's token is
// one running counter modulo token_size. Leaves are in the order in which they were reached.
//
// OpenP5's result is a matter of chance for some groups; here a fixed rule decides (and is logged):
// * items that co-occur with nothing in their group join its smallest part;
// * more components than clusters: components are packed whole, by size; those above token_size
//   are clustered together;
// * no co-occurrence at all, a split that would not divide, and a group that two splits in a row
//   left with more than 95 % of the items: equal parts, along the spectral line if there is one.
std::vector<LeafGroup> BuildClusterTree(const InteractionCounts& counts,
                                        const ClusterTreeOptions& options);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_CLUSTERING_CLUSTER_TREE_H_

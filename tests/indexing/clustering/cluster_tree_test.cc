#include "indexing/clustering/cluster_tree.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "indexing/clustering/spectral_clustering.h"
#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5::indexing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Le;
using ::testing::SizeIs;

// One row of once-bought items a user.
InteractionCounts Counts(const std::vector<std::vector<int32_t>>& histories, size_t items) {
  InteractionCounts counts;
  for (const auto& history : histories) {
    for (const int32_t item : std::set<int32_t>(history.begin(), history.end())) {
      counts.by_user.columns.push_back(item);
      counts.by_user.values.push_back(1.0f);
    }
    counts.by_user.EndRow();
  }
  counts.by_item = counts.by_user.Transposed(items);
  return counts;
}

// `blocks` groups of `size` items; users of one block each, none between blocks.
InteractionCounts Blocks(int blocks, int size, uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<int32_t>> histories;
  for (int block = 0; block < blocks; ++block) {
    for (int user = 0; user < size; ++user) {
      // Neighbours on a ring connect the block.
      std::vector<int32_t> history = {block * size + user, block * size + (user + 1) % size};
      for (int i = 0; i < 3; ++i) {
        history.push_back(block * size + static_cast<int32_t>(random.Below(size)));
      }
      histories.push_back(history);
    }
  }
  return Counts(histories, static_cast<size_t>(blocks) * size);
}

// Checks the form of a tree and returns the sizes of its leaves.
std::vector<size_t> CheckForm(const std::vector<LeafGroup>& leaves, size_t items,
                              const ClusterTreeOptions& options) {
  std::vector<int> seen(items, 0);
  std::vector<size_t> sizes;
  std::map<std::vector<int32_t>, std::set<int32_t>> children;
  std::set<std::vector<int32_t>> paths;
  for (const LeafGroup& leaf : leaves) {
    EXPECT_FALSE(leaf.path.empty());
    EXPECT_TRUE(paths.insert(leaf.path).second);
    EXPECT_TRUE(std::is_sorted(leaf.items.begin(), leaf.items.end()));
    EXPECT_LE(leaf.items.size(), static_cast<size_t>(options.token_size));
    sizes.push_back(leaf.items.size());
    for (const int32_t item : leaf.items) ++seen[item];
    std::vector<int32_t> node;
    for (const int32_t token : leaf.path) {
      EXPECT_LT(token, options.token_size);
      children[node].insert(token);
      node.push_back(token);
    }
  }
  EXPECT_THAT(seen, Each(1));
  for (const auto& [node, tokens] : children) {
    EXPECT_FALSE(paths.count(node)) << "a node is a leaf and split";
    EXPECT_THAT(tokens, SizeIs(Le(static_cast<size_t>(options.clusters))));
  }
  return sizes;
}

TEST(InteractionCountsTest, CuttingDropsUsersOfOneItem) {
  const InteractionCounts whole = Counts({{0, 1, 2}, {2, 3}, {0, 3}, {1, 4}}, 5);
  GroupCutter cutter(whole);
  const InteractionCounts group = cutter.Cut(std::vector<int32_t>{0, 2, 3});
  EXPECT_EQ(group.item_count(), 3u);
  EXPECT_EQ(group.by_user.rows(), 3u);
  EXPECT_THAT(group.by_user.columns, ElementsAre(0, 1, 0, 2, 1, 2));
  // Nothing of the first cut remains in the second.
  EXPECT_EQ(cutter.Cut(std::vector<int32_t>{1, 4}).by_user.rows(), 1u);
  EXPECT_TRUE(cutter.Cut(std::vector<int32_t>{3, 4}).by_item.columns.empty());
}

TEST(InteractionCountsTest, FindsComponentsAndLoneItems) {
  const Components components = FindComponents(Counts({{0, 4}, {1, 2}, {4, 5}}, 6));
  EXPECT_THAT(components.of_item, ElementsAre(0, 1, 1, -1, 0, 0));
  EXPECT_THAT(components.sizes, ElementsAre(3, 2));
}

TEST(SpectralClusteringTest, FindsEveryComponent) {
  // Eigenvalue 1 has multiplicity 12: a Krylov solver alone would miss copies. 960 items: Lanczos;
  // 120: dense.
  for (const int size : {80, 10}) {
    const InteractionCounts counts = Blocks(12, size, 1);
    const Components components = FindComponents(counts);
    ASSERT_THAT(components.sizes, SizeIs(12));
    const auto clusters = ClusterSpectrally(counts, components, 12);
    ASSERT_TRUE(clusters.has_value());
    std::map<int32_t, std::set<int32_t>> labels;
    for (size_t i = 0; i < counts.item_count(); ++i) {
      labels[components.of_item[i]].insert(clusters->labels[i]);
    }
    std::set<int32_t> all;
    for (const auto& [component, own] : labels) {
      EXPECT_THAT(own, SizeIs(1));
      all.insert(*own.begin());
    }
    EXPECT_THAT(all, SizeIs(12));
  }
}

TEST(SpectralClusteringTest, SplitsComponentsFurtherAndIsRepeatable) {
  const InteractionCounts counts = Blocks(12, 80, 2);
  const Components components = FindComponents(counts);
  const auto one = ClusterSpectrally(counts, components, 20);
  const auto two = ClusterSpectrally(counts, components, 20);
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_EQ(one->labels, two->labels);
  EXPECT_EQ(one->line, two->line);
  EXPECT_THAT(std::set<int32_t>(one->labels.begin(), one->labels.end()), SizeIs(20));
  // No label reaches over two components.
  std::map<int32_t, int32_t> component_of;
  for (size_t i = 0; i < counts.item_count(); ++i) {
    const auto [at, added] = component_of.try_emplace(one->labels[i], components.of_item[i]);
    EXPECT_EQ(at->second, components.of_item[i]);
  }
}

TEST(SpectralClusteringTest, AsManyClustersAsItems) {
  const InteractionCounts counts = Counts({{0, 1}, {1, 2}, {2, 3}}, 4);
  const auto clusters = ClusterSpectrally(counts, FindComponents(counts), 20);
  ASSERT_TRUE(clusters.has_value());
  EXPECT_THAT(std::set<int32_t>(clusters->labels.begin(), clusters->labels.end()), SizeIs(4));
}

TEST(ClusterTreeTest, TokensCountBreadthFirstModuloTheTokenSize) {
  const ClusterTreeOptions options = {.clusters = 3, .token_size = 8};
  const InteractionCounts counts = Blocks(3, 40, 4);
  const auto leaves = BuildClusterTree(counts, options);
  CheckForm(leaves, counts.item_count(), options);
  std::map<std::vector<int32_t>, std::set<int32_t>> children;
  for (const LeafGroup& leaf : leaves) {
    for (size_t depth = 0; depth < leaf.path.size(); ++depth) {
      children[{leaf.path.begin(), leaf.path.begin() + static_cast<std::ptrdiff_t>(depth)}].insert(
          leaf.path[depth]);
    }
  }
  // Walks the tree in the order in which it was made.
  std::vector<std::vector<int32_t>> queue = {{}};
  int32_t counter = 0;
  for (size_t at = 0; at < queue.size(); ++at) {
    const std::vector<int32_t> node = queue[at];
    if (!children.count(node)) continue;
    for (size_t i = 0; i < children[node].size(); ++i) {
      const int32_t token = counter++ % options.token_size;
      EXPECT_TRUE(children[node].count(token));
      queue.push_back(node);
      queue.back().push_back(token);
    }
  }
  EXPECT_GT(counter, options.token_size);
}

TEST(ClusterTreeTest, TheFirstLevelIsSplitAlways) {
  const auto leaves =
      BuildClusterTree(Counts({{0, 1}, {2, 3}}, 4), {.clusters = 2, .token_size = 9});
  ASSERT_THAT(leaves, SizeIs(2));
  EXPECT_THAT(leaves[0].items, ElementsAre(0, 1));
  EXPECT_THAT(leaves[0].path, ElementsAre(0));
  EXPECT_THAT(leaves[1].items, ElementsAre(2, 3));
  EXPECT_THAT(leaves[1].path, ElementsAre(1));
  EXPECT_THAT(BuildClusterTree(Counts({}, 1), {.clusters = 2, .token_size = 9}), SizeIs(1));
}

TEST(ClusterTreeTest, LoneItemsJoinTheSmallestGroup) {
  // Groups {0, 1, 2} and {4, 5}; 3 and 6 co-occur with nothing.
  const auto leaves =
      BuildClusterTree(Counts({{0, 1, 2}, {4, 5}}, 7), {.clusters = 2, .token_size = 9});
  ASSERT_THAT(leaves, SizeIs(2));
  EXPECT_THAT(leaves[0].items, ElementsAre(0, 1, 2));
  EXPECT_THAT(leaves[1].items, ElementsAre(3, 4, 5, 6));
}

TEST(ClusterTreeTest, WithoutCoOccurrencePartsAreEqual) {
  const ClusterTreeOptions options = {.clusters = 4, .token_size = 10};
  const auto sizes = CheckForm(BuildClusterTree(Counts({}, 160), options), 160, options);
  EXPECT_THAT(sizes, SizeIs(16));
  EXPECT_THAT(sizes, Each(10u));
}

TEST(ClusterTreeTest, MoreComponentsThanClustersStayWhole) {
  // 30 pairs and 5 lone items in 4 groups; no pair is torn before its group fits a leaf.
  std::vector<std::vector<int32_t>> pairs;
  for (int32_t i = 0; i < 30; ++i) pairs.push_back({i, 64 - i});
  const ClusterTreeOptions options = {.clusters = 4, .token_size = 20};
  const auto leaves = BuildClusterTree(Counts(pairs, 65), options);
  CheckForm(leaves, 65, options);
  ASSERT_THAT(leaves, SizeIs(4));
  std::vector<size_t> group_of(65);
  for (size_t g = 0; g < leaves.size(); ++g) {
    for (const int32_t item : leaves[g].items) group_of[item] = g;
  }
  for (const auto& pair : pairs) EXPECT_EQ(group_of[pair[0]], group_of[pair[1]]);
}

TEST(ClusterTreeTest, LargeComponentsAmongManySmallOnesAreClusteredTogether) {
  // Two rings of 60 and 40 pairs: the pairs fill ceil(80 / 30) = 3 groups, the rings the other 3.
  std::vector<std::vector<int32_t>> histories;
  for (int32_t ring = 0; ring < 2; ++ring) {
    for (int32_t i = 0; i < 60; ++i) histories.push_back({ring * 60 + i, ring * 60 + (i + 1) % 60});
  }
  for (int32_t i = 120; i < 200; i += 2) histories.push_back({i, i + 1});
  const ClusterTreeOptions options = {.clusters = 6, .token_size = 30};
  const auto leaves = BuildClusterTree(Counts(histories, 200), options);
  CheckForm(leaves, 200, options);
  std::map<int32_t, std::set<std::string>> kinds;
  for (const LeafGroup& leaf : leaves) {
    for (const int32_t item : leaf.items) {
      kinds[leaf.path[0]].insert(item < 60 ? "ring 1" : item < 120 ? "ring 2" : "pairs");
    }
  }
  EXPECT_THAT(kinds, SizeIs(6));
  for (const auto& [token, own] : kinds) EXPECT_THAT(own, SizeIs(1)) << token;
}

TEST(ClusterTreeTest, OddGraphsEndInATreeOfTheRightForm) {
  std::vector<std::vector<int32_t>> star, path, all(1);
  for (int32_t i = 1; i < 300; ++i) star.push_back({0, i});
  for (int32_t i = 1; i < 300; ++i) path.push_back({i - 1, i});
  for (int32_t i = 0; i < 300; ++i) all[0].push_back(i);
  const ClusterTreeOptions options = {.clusters = 3, .token_size = 12};
  for (const auto& histories : {star, path, all}) {
    const InteractionCounts counts = Counts(histories, 300);
    const auto leaves = BuildClusterTree(counts, options);
    CheckForm(leaves, 300, options);
    for (const LeafGroup& leaf : leaves) EXPECT_LE(leaf.path.size(), 60u);
  }
}

TEST(ClusterTreeTest, RandomGraphsEndInATreeOfTheRightForm) {
  Random random(11);
  for (int round = 0; round < 150; ++round) {
    const size_t items = 2 + random.Below(90);
    std::vector<std::vector<int32_t>> histories(random.Below(2 * items));
    for (auto& history : histories) {
      history.resize(2 + random.Below(4));
      // Squared: a few items are popular.
      for (int32_t& item : history) {
        item = static_cast<int32_t>(std::pow(random.Uniform(), 2.0) * static_cast<double>(items));
      }
      if (std::set<int32_t>(history.begin(), history.end()).size() < 2) history = {0, 1};
    }
    const ClusterTreeOptions options = {.clusters = static_cast<int>(2 + random.Below(4)),
                                        .token_size = static_cast<int>(6 + random.Below(6))};
    CheckForm(BuildClusterTree(Counts(histories, items), options), items, options);
    if (HasFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace openp5::indexing

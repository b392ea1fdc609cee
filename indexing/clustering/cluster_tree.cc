#include "indexing/clustering/cluster_tree.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "indexing/clustering/spectral_clustering.h"
#include "platform/base/log.h"
#include "platform/base/parallel.h"
#include "platform/base/progress.h"
#include "platform/base/status.h"

namespace openp5::indexing {
namespace {

// Numbers labels by first appearance.
void Renumber(std::vector<int32_t>* labels) {
  if (labels->empty()) return;
  std::vector<int32_t> number(1 + *std::max_element(labels->begin(), labels->end()), -1);
  int32_t next = 0;
  for (int32_t& label : *labels) {
    if (number[label] < 0) number[label] = next++;
    label = number[label];
  }
}

std::vector<size_t> GroupSizes(const std::vector<int32_t>& labels) {
  std::vector<size_t> sizes;
  for (const int32_t label : labels) {
    if (static_cast<size_t>(label) >= sizes.size()) sizes.resize(label + 1, 0);
    ++sizes[label];
  }
  return sizes;
}

// Gives the items at `order` the labels first, first + 1, …, in `parts` runs of equal length.
void LabelRuns(std::span<const int32_t> order, size_t parts, int32_t first,
               std::vector<int32_t>* labels) {
  for (size_t i = 0; i < order.size(); ++i) {
    (*labels)[order[i]] = first + static_cast<int32_t>(i * parts / order.size());
  }
}

// How many splits each rule decided, for the log.
struct RuleCounts {
  int lone = 0, packed = 0, no_edges = 0, no_progress = 0, not_converged = 0, lopsided = 0;

  void Add(const RuleCounts& other) {
    lone += other.lone;
    packed += other.packed;
    no_edges += other.no_edges;
    no_progress += other.no_progress;
    not_converged += other.not_converged;
    lopsided += other.lopsided;
  }
  void Log() const {
    const auto log = [](int count, std::string_view what) {
      if (count > 0) LogInfo(StrCat("collaborative indexing: ", count, " group(s) ", what));
    };
    log(lone, "had items without co-occurrence, which joined the smallest part");
    log(packed, "had more components than clusters, which were packed by size");
    log(no_edges, "had no co-occurrence at all and were cut into equal parts");
    log(no_progress, "were not divided by clustering and were cut into equal parts");
    log(not_converged, "did not converge and were cut into equal parts");
    log(lopsided, "lost under 5 % in each of two splits and were cut into equal parts");
  }
};

// Splits one group after the other.
class Splitter {
 public:
  Splitter(const InteractionCounts& whole, const ClusterTreeOptions& options)
      : cutter_(whole), options_(options) {}

  // Labels of `items`, 0, 1, … in order of first appearance. With `balanced`, parts of equal size.
  std::vector<int32_t> Split(std::span<const int32_t> items, bool balanced) {
    const InteractionCounts counts = cutter_.Cut(items);
    const Components components = FindComponents(counts);
    const int component_count = static_cast<int>(components.sizes.size());
    std::vector<int32_t> labels;
    if (component_count == 0) {
      ++rules_.no_edges;
    } else if (balanced) {
      ++rules_.lopsided;
      return EqualParts(items, component_count <= options_.clusters
                                   ? Cluster(items, counts, components)
                                   : std::nullopt);
    } else if (component_count <= options_.clusters) {
      const auto clusters = Cluster(items, counts, components);
      if (!clusters) {
        ++rules_.not_converged;
        return EqualParts(items, clusters);
      }
      labels = clusters->labels;
      PlaceLoneItems(&labels);
      if (GroupSizes(labels).size() > 1 || items.size() == 1) return labels;
      ++rules_.no_progress;
      return EqualParts(items, clusters);
    } else {
      ++rules_.packed;
      labels = Pack(items, components);
      if (GroupSizes(labels).size() > 1) return labels;
    }
    return EqualParts(items, std::nullopt);
  }

  const RuleCounts& rules() const { return rules_; }

 private:
  // Clusters the items that co-occur; others get the label -1 and the place 0 on the line.
  std::optional<SpectralClusters> Cluster(std::span<const int32_t> items,
                                          const InteractionCounts& counts,
                                          const Components& components) {
    std::vector<int32_t> connected;
    for (size_t i = 0; i < items.size(); ++i) {
      if (components.of_item[i] >= 0) connected.push_back(static_cast<int32_t>(i));
    }
    if (connected.size() == items.size()) {
      return ClusterSpectrally(counts, components, options_.clusters);
    }
    return Spread(ClusterSubset(items, connected, options_.clusters), connected, items.size());
  }

  std::optional<SpectralClusters> ClusterSubset(std::span<const int32_t> items,
                                                std::span<const int32_t> places, int clusters) {
    std::vector<int32_t> subset;
    for (const int32_t place : places) subset.push_back(items[place]);
    const InteractionCounts counts = cutter_.Cut(subset);
    return ClusterSpectrally(counts, FindComponents(counts), clusters);
  }

  static std::optional<SpectralClusters> Spread(std::optional<SpectralClusters> part,
                                                std::span<const int32_t> places, size_t count) {
    if (!part) return std::nullopt;
    SpectralClusters whole;
    whole.labels.assign(count, -1);
    whole.line.assign(count, 0.0);
    for (size_t i = 0; i < places.size(); ++i) {
      whole.labels[places[i]] = part->labels[i];
      whole.line[places[i]] = part->line[i];
    }
    return whole;
  }

  void PlaceLoneItems(std::vector<int32_t>* labels) {
    std::vector<int32_t> placed;
    for (const int32_t label : *labels) {
      if (label >= 0) placed.push_back(label);
    }
    if (placed.size() < labels->size()) {
      ++rules_.lone;
      // Groups are numbered by first appearance among the placed items, so that ties go to the
      // group of the smallest item.
      std::vector<int32_t> order = placed;
      Renumber(&order);
      const std::vector<size_t> sizes = GroupSizes(order);
      const auto smallest = std::min_element(sizes.begin(), sizes.end()) - sizes.begin();
      const size_t member = std::find(order.begin(), order.end(), smallest) - order.begin();
      for (int32_t& label : *labels) {
        if (label < 0) label = placed[member];
      }
    }
    Renumber(labels);
  }

  std::vector<int32_t> EqualParts(std::span<const int32_t> items,
                                  const std::optional<SpectralClusters>& clusters) const {
    std::vector<int32_t> order(items.size()), labels(items.size());
    std::iota(order.begin(), order.end(), 0);
    if (clusters) {
      std::stable_sort(order.begin(), order.end(),
                       [&](int32_t a, int32_t b) { return clusters->line[a] < clusters->line[b]; });
    }
    LabelRuns(order, std::min<size_t>(options_.clusters, items.size()), 0, &labels);
    Renumber(&labels);
    return labels;
  }

  // Places of all items, component by component, the largest first, then lone items.
  static std::vector<int32_t> BySize(const Components& components) {
    std::vector<int32_t> order(components.of_item.size());
    std::iota(order.begin(), order.end(), 0);
    const auto size = [&](int32_t place) {
      const int32_t component = components.of_item[place];
      return component < 0 ? 0 : components.sizes[component];
    };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      if (size(a) != size(b)) return size(a) > size(b);
      return components.of_item[a] < components.of_item[b];
    });
    return order;
  }

  std::vector<int32_t> Pack(std::span<const int32_t> items, const Components& components) {
    const auto is_big = [&](int32_t place) {
      const int32_t component = components.of_item[place];
      return component >= 0 && components.sizes[component] > options_.token_size;
    };
    const std::vector<int32_t> order = BySize(components);
    std::vector<int32_t> big, rest;
    for (const int32_t place : order) (is_big(place) ? big : rest).push_back(place);
    std::sort(big.begin(), big.end());
    const auto big_count = std::count_if(components.sizes.begin(), components.sizes.end(),
                                         [&](int32_t size) { return size > options_.token_size; });
    const auto bins = static_cast<int>((rest.size() + options_.token_size - 1) /
                                       static_cast<size_t>(options_.token_size));
    if (big_count == 0 || bins >= options_.clusters || big_count > options_.clusters - bins) {
      return SpreadEvenly(order, components);
    }
    std::vector<int32_t> labels(items.size());
    LabelRuns(rest, bins, 0, &labels);
    const auto clusters = ClusterSubset(items, big, options_.clusters - bins);
    if (!clusters) return SpreadEvenly(order, components);
    for (size_t i = 0; i < big.size(); ++i) labels[big[i]] = bins + clusters->labels[i];
    Renumber(&labels);
    return labels;
  }

  // Components whole, the largest first, each into the part that is emptiest then.
  std::vector<int32_t> SpreadEvenly(std::span<const int32_t> order,
                                    const Components& components) const {
    std::vector<int32_t> labels(components.of_item.size());
    std::vector<size_t> load(options_.clusters, 0);
    size_t part = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      const int32_t component = components.of_item[order[i]];
      if (i == 0 || component < 0 || component != components.of_item[order[i - 1]]) {
        part = std::min_element(load.begin(), load.end()) - load.begin();
      }
      labels[order[i]] = static_cast<int32_t>(part);
      ++load[part];
    }
    Renumber(&labels);
    return labels;
  }

  GroupCutter cutter_;
  const ClusterTreeOptions options_;
  RuleCounts rules_;
};

// Splits that the items of a group have before them, summed over the items, if all divide evenly.
int64_t ExpectedSplits(size_t items, const ClusterTreeOptions& options) {
  int64_t splits = 0;
  for (double left = static_cast<double>(items); left > options.token_size;
       left /= options.clusters)
    ++splits;
  return splits * static_cast<int64_t>(items);
}

struct Group {
  std::vector<int32_t> path, items;
  int lopsided_splits = 0;  // splits in a row that left more than 95 % in this line of groups
};

// A splitter for each thread that asks.
class SplitterPool {
 public:
  SplitterPool(const InteractionCounts& whole, const ClusterTreeOptions& options)
      : whole_(whole), options_(options) {}

  std::vector<int32_t> Split(const Group& group) {
    constexpr int kMaxLopsidedSplits = 2;
    std::unique_ptr<Splitter> splitter = Take();
    std::vector<int32_t> labels =
        splitter->Split(group.items, group.lopsided_splits >= kMaxLopsidedSplits);
    const absl::MutexLock lock(&mutex_);
    idle_.push_back(std::move(splitter));
    return labels;
  }

  // While no thread splits.
  RuleCounts Rules() const {
    RuleCounts rules;
    for (const auto& splitter : idle_) rules.Add(splitter->rules());
    return rules;
  }

 private:
  std::unique_ptr<Splitter> Take() {
    const absl::MutexLock lock(&mutex_);
    if (idle_.empty()) return std::make_unique<Splitter>(whole_, options_);
    std::unique_ptr<Splitter> splitter = std::move(idle_.back());
    idle_.pop_back();
    return splitter;
  }

  const InteractionCounts& whole_;
  const ClusterTreeOptions options_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Splitter>> idle_;
};

bool IsLeaf(const Group& group, const ClusterTreeOptions& options) {
  return !group.path.empty() && static_cast<int64_t>(group.items.size()) <= options.token_size;
}

// How many groups at the front of `queue` are dealt with at the same time. The largest are split
// one after the other: there threads share the work, and memory is for one.
size_t Together(const std::deque<Group>& queue) {
  constexpr size_t kLarge = 30'000, kMost = 256;
  size_t count = 0;
  while (count < std::min(queue.size(), kMost) && queue[count].items.size() < kLarge) ++count;
  return std::max<size_t>(count, 1);
}

// The parts that `labels` divide `group` into; their tokens follow on `token`, which is moved on.
std::vector<Group> PartsOf(const Group& group, const std::vector<int32_t>& labels,
                           int64_t token_size, int32_t* token) {
  std::vector<Group> parts(GroupSizes(labels).size());
  for (size_t i = 0; i < labels.size(); ++i) parts[labels[i]].items.push_back(group.items[i]);
  for (Group& part : parts) {
    part.path = group.path;
    part.path.push_back(*token);
    *token = (*token + 1) % static_cast<int32_t>(token_size);
    const bool lopsided = part.items.size() * 20 > group.items.size() * 19;
    part.lopsided_splits = lopsided ? group.lopsided_splits + 1 : 0;
  }
  return parts;
}

}  // namespace

std::vector<LeafGroup> BuildClusterTree(const InteractionCounts& counts,
                                        const ClusterTreeOptions& options) {
  constexpr size_t kManyItems = 20'000;
  OPENP5_CHECK(2 <= options.clusters && options.clusters <= options.token_size);
  SplitterPool splitters(counts, options);
  std::vector<LeafGroup> leaves;
  std::deque<Group> queue(1);
  queue.front().items.resize(counts.item_count());
  std::iota(queue.front().items.begin(), queue.front().items.end(), 0);
  int32_t token = 0;
  std::optional<ProgressBar> progress;  // of what takes more than a moment
  const int64_t expected = ExpectedSplits(counts.item_count(), options);
  if (counts.item_count() >= kManyItems && expected > 0) {
    progress.emplace("collaborative indexing", expected, "item splits");
  }
  while (!queue.empty()) {
    std::vector<std::vector<int32_t>> labels_of(Together(queue));
    ParallelFor(labels_of.size(), [&](size_t i) {
      if (!IsLeaf(queue[i], options)) labels_of[i] = splitters.Split(queue[i]);
    });
    for (const std::vector<int32_t>& labels : labels_of) {
      Group group = std::move(queue.front());
      queue.pop_front();
      if (labels.empty()) {
        leaves.push_back({std::move(group.path), std::move(group.items)});
        continue;
      }
      int64_t done = ExpectedSplits(group.items.size(), options);
      for (Group& part : PartsOf(group, labels, options.token_size, &token)) {
        done -= ExpectedSplits(part.items.size(), options);
        queue.push_back(std::move(part));
      }
      if (progress) progress->Advance(done);
    }
  }
  if (progress) progress->Finish();
  splitters.Rules().Log();
  return leaves;
}

}  // namespace openp5::indexing

#include "platform/decoding/exact_ranking.h"

#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

#include "platform/base/signals.h"
#include "platform/decoding/continuations.h"

namespace openp5::decoding {
namespace {

// Leaves the `count` best, best first.
void KeepBest(size_t count, std::vector<RankedItem>* items) {
  const auto before = [](const RankedItem& a, const RankedItem& b) {
    return a.score != b.score ? a.score > b.score : a.item < b.item;
  };
  const size_t kept = std::min(count, items->size());
  std::partial_sort(items->begin(), items->begin() + static_cast<std::ptrdiff_t>(kept),
                    items->end(), before);
  items->resize(kept);
}

// Prefixes of equal length, the same for every user, and what the model knows of them.
struct Level {
  std::unique_ptr<models::GenerationState> state;
  at::Tensor hidden;          // [users, nodes, d_model] at the last token
  std::vector<NodeId> nodes;  // at least one
  std::vector<float> sums;    // [users * nodes] of log-probabilities
  int64_t length = 1;         // tokens of a continuation's prefix, the start token included
};

// The inner nodes one token below a level.
struct Children {
  std::vector<int64_t> origins;  // place of the parent in its level
  std::vector<int32_t> tokens;
  std::vector<NodeId> nodes;
  std::vector<std::vector<float>> sums;  // [users][nodes]
};

class Ranking {
 public:
  Ranking(const PrefixConstraint& constraint, std::vector<Excluded> excluded, c10::Device device,
          const ExactRankingOptions& options)
      : constraint_(constraint),
        options_(options),
        device_(device),
        excluded_(std::move(excluded)),
        width_(std::max<size_t>(1, static_cast<size_t>(options.max_rows) / excluded_.size())),
        lists_(excluded_.size()) {}

  std::vector<std::vector<RankedItem>> Run(models::GenerativeModel& model,
                                           const models::PackedBatch& prompts) {
    Level root{.state = model.Begin(prompts),
               .hidden = {},
               .nodes = {constraint_.root()},
               .sums = std::vector<float>(lists_.size())};
    root.hidden = root.state->Advance(root.state->start_tokens().view({-1, 1, 1})).squeeze(2);
    Descend(std::move(root));
    for (auto& list : lists_) KeepBest(static_cast<size_t>(options_.count), &list);
    return std::move(lists_);
  }

 private:
  size_t users() const { return lists_.size(); }

  // Ranks all items below `level`. Calls itself once a token of an identifier, not once an item.
  void Descend(Level level) {
    const Children children = Score(level);
    level.hidden = at::Tensor();
    for (size_t first = 0; first < children.nodes.size(); first += width_) {
      if (TerminationSignal() != 0) return;
      const size_t count = std::min(width_, children.nodes.size() - first);
      const bool is_last = first + count == children.nodes.size();
      Descend(Advance(is_last ? std::move(level.state) : level.state->Clone(), children, first,
                      count, level.length + 1));
    }
  }

  // Lists the items one token below `level` and returns the other nodes there that some user may
  // still go to.
  Children Score(const Level& level) {
    std::vector<Wanted> wanted;
    ForEachAllowed(level, [&](size_t user, size_t parent, int32_t token, NodeId) {
      wanted.push_back({static_cast<int64_t>(user * level.nodes.size() + parent), token});
    });
    const std::vector<float> scores =
        LogProbabilities(*level.state, level.hidden.reshape({-1, level.hidden.size(2)}), wanted,
                         options_.normalize_over_allowed);
    Children children = InnerChildren(level);
    std::unordered_map<NodeId, size_t> places;
    for (size_t i = 0; i < children.nodes.size(); ++i) places.emplace(children.nodes[i], i);
    size_t next = 0;
    ForEachAllowed(level, [&](size_t user, size_t parent, int32_t, NodeId node) {
      const float sum = level.sums[user * level.nodes.size() + parent] + scores[next++];
      if (const int32_t item = constraint_.ItemAt(node); item >= 0) {
        Keep(user, {item, sum / static_cast<float>(level.length + options_.added_score_length)});
      } else {
        children.sums[user][places.at(node)] = sum;
      }
    });
    return children;
  }

  // Calls `visit` for every user, node of the level and child that the user may still go to.
  template <class Visit>
  void ForEachAllowed(const Level& level, const Visit& visit) const {
    for (size_t user = 0; user < users(); ++user) {
      for (size_t parent = 0; parent < level.nodes.size(); ++parent) {
        NodeId node = constraint_.FirstChild(level.nodes[parent]);
        for (const int32_t token : constraint_.ChildTokens(level.nodes[parent])) {
          if (IsAllowed(constraint_, excluded_[user], node)) visit(user, parent, token, node);
          ++node;
        }
      }
    }
  }

  Children InnerChildren(const Level& level) const {
    Children children;
    for (size_t parent = 0; parent < level.nodes.size(); ++parent) {
      NodeId node = constraint_.FirstChild(level.nodes[parent]);
      for (const int32_t token : constraint_.ChildTokens(level.nodes[parent])) {
        const bool wanted = std::any_of(
            excluded_.begin(), excluded_.end(),
            [&](const Excluded& excluded) { return IsAllowed(constraint_, excluded, node); });
        if (wanted && constraint_.ItemAt(node) < 0) {
          children.origins.push_back(static_cast<int64_t>(parent));
          children.tokens.push_back(token);
          children.nodes.push_back(node);
        }
        ++node;
      }
    }
    children.sums.assign(users(), std::vector<float>(children.nodes.size()));
    return children;
  }

  // The level of `count` of the children, `first` and those after it.
  Level Advance(std::unique_ptr<models::GenerationState> state, const Children& children,
                size_t first, size_t count, int64_t length) const {
    Level level{.state = std::move(state), .hidden = {}, .nodes = {}, .length = length};
    const auto begin = static_cast<std::ptrdiff_t>(first),
               end = static_cast<std::ptrdiff_t>(first + count);
    level.nodes.assign(children.nodes.begin() + begin, children.nodes.begin() + end);
    for (const std::vector<float>& sums : children.sums) {
      level.sums.insert(level.sums.end(), sums.begin() + begin, sums.begin() + end);
    }
    const auto grid = [&](const std::vector<int64_t>& row) {
      return torch::tensor(row, at::kLong)
          .unsqueeze(0)
          .expand({static_cast<int64_t>(users()), static_cast<int64_t>(count)})
          .contiguous()
          .to(device_);
    };
    const at::Tensor all_users = at::arange(static_cast<int64_t>(users()), at::kLong);
    level.state->Select(all_users.to(device_),
                        grid({children.origins.begin() + begin, children.origins.begin() + end}));
    level.hidden =
        level.state
            ->Advance(
                grid({children.tokens.begin() + begin, children.tokens.begin() + end}).unsqueeze(2))
            .squeeze(2);
    return level;
  }

  void Keep(size_t user, RankedItem item) {
    std::vector<RankedItem>& list = lists_[user];
    list.push_back(item);
    const auto count = static_cast<size_t>(options_.count);
    if (list.size() >= 2 * count + 1024) KeepBest(count, &list);
  }

  const PrefixConstraint& constraint_;
  const ExactRankingOptions& options_;
  const c10::Device device_;
  const std::vector<Excluded> excluded_;  // [users]
  const size_t width_;                    // nodes of a level at most
  std::vector<std::vector<RankedItem>> lists_;
};

}  // namespace

absl::StatusOr<std::vector<std::vector<RankedItem>>> RankAllItems(
    models::GenerativeModel& model, const models::PackedBatch& prompts,
    const PrefixConstraint& constraint, std::span<const std::vector<int32_t>> excluded_items,
    const ExactRankingOptions& options) {
  const size_t count = prompts.lengths.size();
  if (options.count < 1 || options.max_rows < 1) {
    return InvalidArgument("exact ranking: expected count and max_rows of at least 1, got ",
                           options.count, " and ", options.max_rows);
  }
  if (count == 0 || (!excluded_items.empty() && excluded_items.size() != count)) {
    return InvalidArgument("exact ranking: expected excluded items for ", count, " prompts, got ",
                           excluded_items.size());
  }
  const at::NoGradGuard no_gradients;
  std::vector<Excluded> excluded(count);
  for (size_t user = 0; user < excluded_items.size(); ++user) {
    excluded[user] = CountExcluded(constraint, excluded_items[user]);
  }
  return Ranking(constraint, std::move(excluded), prompts.tokens.device(), options)
      .Run(model, prompts);
}

}  // namespace openp5::decoding

#include "platform/decoding/beam_search.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "platform/decoding/continuations.h"

namespace openp5::decoding {
namespace {

constexpr float kDuplicateScore = -1e9f;  // Hugging Face's start score of all beams but the first

struct Beam {
  NodeId node = 0;
  float sum = 0;
  std::vector<int32_t> tokens;
};

// One user's search.
struct UserSearch {
  int64_t user = 0;  // place in the result
  std::vector<Beam> beams;
  std::vector<Hypothesis> finished;
  Excluded excluded;
};

struct Candidate {
  int32_t beam;
  int32_t token;
  NodeId node;
  float sum;
};

bool Before(const Candidate& a, const Candidate& b) {
  if (a.sum != b.sum) return a.sum > b.sum;
  return a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
}

class Search {
 public:
  Search(models::GenerativeModel& model, const models::PackedBatch& prompts,
         const PrefixConstraint& constraint, const BeamSearchOptions& options)
      : constraint_(constraint),
        options_(options),
        state_(model.Begin(prompts)),
        device_(prompts.tokens.device()) {}

  // FailedPrecondition if a score is NaN or infinite: nothing can be ranked by it.
  absl::StatusOr<std::vector<std::vector<Hypothesis>>> Run(std::vector<UserSearch> users,
                                                           size_t result_count) {
    results_.resize(result_count);
    users_ = std::move(users);
    StartWithForcedPrefix();
    while (finite_ && !users_.empty() && length_ < options_.max_length) Step();
    if (!finite_) {
      return FailedPrecondition(
          "beam search: expected finite scores, got some that are NaN or infinite; hint: the "
          "model's numbers are too large for its precision, or its config is not its own");
    }
    for (UserSearch& user : users_) Finish(user, /*cut=*/true);
    return std::move(results_);
  }

 private:
  // After a user's start token, every token that is the only one allowed is the same for all users:
  // run in one pass, for one beam a user.
  void StartWithForcedPrefix() {
    std::vector<int32_t> prefix = {0};  // the first is each user's own
    std::vector<NodeId> nodes = {constraint_.root()};
    while (static_cast<int64_t>(prefix.size()) < options_.max_length) {
      const auto children = constraint_.ChildTokens(nodes.back());
      if (children.size() != 1 || children[0] == options_.end_token) break;
      prefix.push_back(children[0]);
      nodes.push_back(constraint_.FirstChild(nodes.back()));
    }
    const int64_t steps = static_cast<int64_t>(prefix.size()),
                  count = static_cast<int64_t>(users_.size());
    const at::Tensor starts = state_->start_tokens().cpu();
    at::Tensor tokens = torch::tensor(std::vector<int64_t>(prefix.begin(), prefix.end()), at::kLong)
                            .view({1, 1, steps})
                            .expand({count, 1, steps})
                            .contiguous();
    tokens.select(2, 0).copy_(starts.unsqueeze(1));
    const at::Tensor hidden = state_->Advance(tokens.to(device_));  // [users, 1, steps, d_model]
    std::vector<float> sums(users_.size(), 0);
    if (steps > 1) {
      std::vector<Wanted> wanted;
      for (int64_t u = 0; u < count; ++u) {
        for (int64_t s = 0; s + 1 < steps; ++s)
          wanted.push_back({u * (steps - 1) + s, prefix[static_cast<size_t>(s) + 1]});
      }
      const at::Tensor before =
          hidden.narrow(2, 0, steps - 1).reshape({count * (steps - 1), hidden.size(3)});
      const std::vector<float> scores =
          LogProbabilities(*state_, before, wanted, options_.normalize_over_allowed);
      for (size_t i = 0; i < scores.size(); ++i)
        sums[i / static_cast<size_t>(steps - 1)] += scores[i];
      for (const float sum : sums) finite_ &= std::isfinite(sum);
    }
    hidden_ = hidden.narrow(2, steps - 1, 1).squeeze(2);
    length_ = steps;
    for (size_t u = 0; u < users_.size(); ++u) {
      prefix[0] = static_cast<int32_t>(starts[static_cast<int64_t>(u)].item<int64_t>());
      users_[u].beams.push_back({nodes.back(), sums[u], prefix});
      if (!options_.pad_with_duplicates) continue;
      Beam duplicate = users_[u].beams.front();
      duplicate.sum += kDuplicateScore;
      users_[u].beams.resize(static_cast<size_t>(options_.beams), duplicate);
    }
    SpreadDuplicates();
  }

  // With duplicates every user starts with all its beams in the same place.
  void SpreadDuplicates() {
    if (!options_.pad_with_duplicates || options_.beams == 1) return;
    const int64_t count = static_cast<int64_t>(users_.size());
    state_->Select(at::arange(count, at::kLong).to(device_),
                   at::zeros({count, options_.beams}, at::kLong).to(device_));
    hidden_ = hidden_.expand({count, options_.beams, hidden_.size(2)}).contiguous();
  }

  // Every allowed continuation of every beam, with its new sum; the same order as `users_`.
  std::vector<std::vector<Candidate>> Continuations() {
    const int64_t grid_beams = hidden_.size(1);
    std::vector<std::vector<Candidate>> candidates(users_.size());
    std::vector<Wanted> wanted;
    for (size_t u = 0; u < users_.size(); ++u) {
      for (size_t b = 0; b < users_[u].beams.size(); ++b) {
        const Beam& beam = users_[u].beams[b];
        NodeId child = constraint_.FirstChild(beam.node);
        for (const int32_t token : constraint_.ChildTokens(beam.node)) {
          if (IsAllowed(constraint_, users_[u].excluded, child)) {
            candidates[u].push_back({static_cast<int32_t>(b), token, child, beam.sum});
            wanted.push_back(
                {static_cast<int64_t>(u) * grid_beams + static_cast<int64_t>(b), token});
          }
          ++child;
        }
      }
    }
    const std::vector<float> scores =
        ends_ ? std::vector<float>(wanted.size(), 0)
              : LogProbabilities(*state_, hidden_.reshape({-1, hidden_.size(2)}), wanted,
                                 options_.normalize_over_allowed);
    size_t next = 0;
    for (auto& of_user : candidates) {
      for (Candidate& candidate : of_user) {
        candidate.sum += scores[next++];
        finite_ &= std::isfinite(candidate.sum);
      }
    }
    return candidates;
  }

  void Step() {
    std::vector<std::vector<Candidate>> candidates = Continuations();
    if (!finite_) return;
    std::vector<UserSearch> going;
    std::vector<int64_t> kept_users;
    std::vector<std::vector<int64_t>> kept_beams;
    for (size_t u = 0; u < users_.size(); ++u) {
      std::vector<int64_t> origins = Rank(users_[u], candidates[u]);
      if (IsDone(users_[u], candidates[u])) {
        Finish(users_[u], /*cut=*/false);
      } else {
        going.push_back(std::move(users_[u]));
        kept_users.push_back(static_cast<int64_t>(u));
        kept_beams.push_back(std::move(origins));
      }
    }
    users_ = std::move(going);
    ++length_;
    if (!users_.empty() && length_ < options_.max_length) Advance(kept_users, kept_beams);
  }

  // Walks through a user's best 2 * beams continuations: an end token among the first `beams` ranks
  // closes a hypothesis, others become the next beams. Returns the beams they continue.
  std::vector<int64_t> Rank(UserSearch& user, std::vector<Candidate>& candidates) {
    const size_t beams = static_cast<size_t>(options_.beams);
    const size_t best = std::min(candidates.size(), 2 * beams);
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(best),
                      candidates.end(), Before);
    std::vector<Beam> next;
    std::vector<int64_t> origins;
    for (size_t rank = 0; rank < best && next.size() < beams; ++rank) {
      const Candidate& candidate = candidates[rank];
      const Beam& from = user.beams[static_cast<size_t>(candidate.beam)];
      if (candidate.token == options_.end_token) {
        if (rank < beams) Close(user, from, candidate);
        continue;
      }
      next.push_back({candidate.node, candidate.sum, from.tokens});
      next.back().tokens.push_back(candidate.token);
      origins.push_back(candidate.beam);
    }
    user.beams = std::move(next);
    return origins;
  }

  void Close(UserSearch& user, const Beam& from, const Candidate& candidate) {
    Hypothesis hypothesis{constraint_.ItemAt(candidate.node), from.tokens,
                          candidate.sum / ScoreLength(length_)};
    hypothesis.tokens.push_back(candidate.token);
    Keep(user, std::move(hypothesis));
  }

  // Keeps the best `beams` hypotheses, in the order they were found.
  void Keep(UserSearch& user, Hypothesis hypothesis) {
    user.finished.push_back(std::move(hypothesis));
    if (user.finished.size() <= static_cast<size_t>(options_.beams)) return;
    user.finished.erase(std::min_element(
        user.finished.begin(), user.finished.end(),
        [](const Hypothesis& a, const Hypothesis& b) { return a.score < b.score; }));
  }

  // What a sum is divided by when a continuation has that many tokens.
  float ScoreLength(int64_t length) const {
    return static_cast<float>(length + options_.added_score_length);
  }

  // Transformers' rule: enough hypotheses, and the worst of them no worse than the best
  // continuation of this step divided by the length before it (4.26) or with it (4.31).
  bool IsDone(const UserSearch& user, const std::vector<Candidate>& candidates) const {
    if (user.beams.empty()) return true;
    if (user.finished.size() < static_cast<size_t>(options_.beams)) return false;
    float worst = std::numeric_limits<float>::infinity();
    for (const Hypothesis& hypothesis : user.finished) worst = std::min(worst, hypothesis.score);
    return worst >=
           candidates.front().sum / ScoreLength(length_ + (options_.late_stop_length ? 1 : 0));
  }

  void Finish(UserSearch& user, bool cut) {
    if (cut) {
      for (const Beam& beam : user.beams)
        Keep(user, {-1, beam.tokens, beam.sum / ScoreLength(length_)});
    }
    std::stable_sort(user.finished.begin(), user.finished.end(),
                     [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
    results_[static_cast<size_t>(user.user)] = std::move(user.finished);
  }

  // True if every beam can only end, which is certain among the allowed tokens.
  bool AllEnd() const {
    if (!options_.normalize_over_allowed) return false;
    for (const UserSearch& user : users_) {
      for (const Beam& beam : user.beams) {
        const auto children = constraint_.ChildTokens(beam.node);
        if (children.size() != 1 || children[0] != options_.end_token) return false;
      }
    }
    return true;
  }

  // Moves the model's state to the kept users and beams and feeds it their last tokens. The grid is
  // as wide as the widest user; narrower users repeat their first beam, which nobody reads.
  void Advance(const std::vector<int64_t>& kept_users,
               const std::vector<std::vector<int64_t>>& kept_beams) {
    ends_ = AllEnd();
    if (ends_) return;  // the model is not asked again
    size_t width = 1;
    for (const auto& beams : kept_beams) width = std::max(width, beams.size());
    const int64_t count = static_cast<int64_t>(users_.size()),
                  columns = static_cast<int64_t>(width);
    at::Tensor origins = at::empty({count, columns}, at::kLong),
               tokens = at::empty({count, columns, 1}, at::kLong);
    int64_t *origin = origins.data_ptr<int64_t>(), *token = tokens.data_ptr<int64_t>();
    for (size_t u = 0; u < users_.size(); ++u) {
      for (size_t b = 0; b < width; ++b) {
        const size_t real = b < kept_beams[u].size() ? b : 0;
        *origin++ = kept_beams[u][real];
        *token++ = users_[u].beams[real].tokens.back();
      }
    }
    state_->Select(torch::tensor(kept_users, at::kLong).to(device_), origins.to(device_));
    hidden_ = state_->Advance(tokens.to(device_)).squeeze(2);
  }

  const PrefixConstraint& constraint_;
  const BeamSearchOptions& options_;
  std::unique_ptr<models::GenerationState> state_;
  c10::Device device_;
  std::vector<UserSearch> users_;
  std::vector<std::vector<Hypothesis>> results_;
  at::Tensor hidden_;   // [users, beams, d_model] at the last token
  int64_t length_ = 0;  // tokens of every continuation, the start token included
  bool finite_ = true;  // all scores so far
  bool ends_ = false;   // the next step only ends beams, see AllEnd
};

}  // namespace

absl::StatusOr<std::vector<std::vector<Hypothesis>>> BeamSearch(
    models::GenerativeModel& model, const models::PackedBatch& prompts,
    const PrefixConstraint& constraint, std::span<const std::vector<int32_t>> excluded_items,
    const BeamSearchOptions& options) {
  const size_t count = prompts.lengths.size();
  if (options.beams < 1 || options.max_length < 1) {
    return InvalidArgument("beam search: expected beams and max_length of at least 1, got ",
                           options.beams, " and ", options.max_length);
  }
  if (count == 0 || (!excluded_items.empty() && excluded_items.size() != count)) {
    return InvalidArgument("beam search: expected excluded items for ", count, " prompts, got ",
                           excluded_items.size());
  }
  const at::NoGradGuard no_gradients;
  std::vector<UserSearch> users(count);
  for (size_t u = 0; u < count; ++u) {
    users[u].user = static_cast<int64_t>(u);
    if (!excluded_items.empty()) users[u].excluded = CountExcluded(constraint, excluded_items[u]);
  }
  return Search(model, prompts, constraint, options).Run(std::move(users), count);
}

}  // namespace openp5::decoding

#ifndef OPENP5_PLATFORM_RECOMMENDERS_RECOMMENDER_H_
#define OPENP5_PLATFORM_RECOMMENDERS_RECOMMENDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "platform/base/status.h"

namespace openp5::recommenders {

// One question: what comes next for this user? In item and user numbers of a dataset.
struct Query {
  std::optional<int32_t> user = {};       // none: one the recommender has never met
  std::span<const int32_t> history = {};  // oldest first; kept by the caller
  std::vector<int32_t> excluded = {};     // never recommended; ascending
  // What the list will be compared with; -1: nothing. No recommender looks at it.
  int32_t target = -1;
};

// A ranked list, best first. -1 stands for a generation that max_length cut before it was an item.
struct Ranking {
  std::vector<int32_t> items = {};
  std::vector<float> scores = {};  // of the same length
};

// When a user's past items are left out of a list.
enum class Filter {
  kNone,        // they are not, or only by queries that exclude items for reasons of their own
  kSearch,      // before the list is made: each query excludes them
  kAfterwards,  // by the caller, who asks for longer lists
};

// How queries are answered. Kinds ignore what they do not know.
struct RankOptions {
  size_t dataset = 0;  // number of the dataset that is asked about
  std::string task = "sequential", prompt = "seen:0";
  int64_t beams = 0;   // width of a search; 0: the length of the lists
  bool exact = false;  // every item is scored, and nothing is searched
  int64_t max_length =
      0;  // longest generation in tokens, the start token included; 0: what is needed
  Filter filter = Filter::kNone;
  int64_t batch_size = 20;  // queries that are computed at once
};

// The queries of one call, read by their recommender: parts of them can be ranked in any order and
// in several threads.
class RankingJob {
 public:
  virtual ~RankingJob() = default;

  // What a query costs: queries of near-equal costs are computed together fastest.
  virtual int64_t Cost(size_t query) const = 0;
  // Bytes, beside the recommender's own, that ranking `count` of the most costly queries at once
  // takes at its peak; the model may compute a little to find out.
  virtual absl::StatusOr<int64_t> Memory(int64_t /*count*/) const { return 0; }
  // Ranks the queries of these numbers: their lists in that order.
  virtual absl::StatusOr<std::vector<Ranking>> Rank(std::span<const size_t> queries) const = 0;
};

// Something that ranks the items of one or several datasets for users. What depends only on model,
// tokenizer and dataset is made when it is opened. Thread-safe.
class Recommender {
 public:
  virtual ~Recommender() = default;

  // "model", or a baseline's name.
  virtual std::string method() const { return "model"; }
  virtual size_t dataset_count() const { return 1; }
  virtual const datasets::SequenceDataset& dataset(size_t number) const = 0;
  // The digest of the text that a query is put into, and of how it is; empty for recommenders that
  // read no text. Fails as PromptSet::Find.
  virtual absl::StatusOr<std::string> PromptDigest(const std::string& /*task*/,
                                                   const std::string& /*prompt*/) const {
    return std::string();
  }
  // How many of a user's latest items are looked at; 0: all of them.
  virtual int64_t history_length(size_t /*dataset*/) const { return 0; }
  // True if lists are found by a search, so that a longer list may begin otherwise than a shorter
  // one; else they are the best of all items.
  virtual bool searches() const { return false; }
  // False if one query at a time should have the whole device.
  virtual bool runs_side_by_side() const { return true; }
  // What a score is normalised over, for a generative model: "full" (the whole vocabulary) or
  // "allowed" (the tokens that the tree of items allows).
  virtual std::string score_normalization() const { return "full"; }
  // One sentence a dataset whose item index is not the one the model was trained with.
  virtual std::vector<std::string> index_mismatches() const { return {}; }

  // Reads `queries`, whose histories must outlive the job, for lists of at most `k` items. Fails
  // for options that contradict each other or name what there is not.
  virtual absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries,
                                                            int64_t k,
                                                            const RankOptions& options) const = 0;

  // The lists of all queries in their order. Cancelled after SIGINT or SIGTERM where they are
  // caught. The batch size changes nothing beyond rounding, but for the quirks of openp5_compat.
  absl::StatusOr<std::vector<Ranking>> Rank(std::span<const Query> queries, int64_t k,
                                            const RankOptions& options) const;
  // Bytes that Rank takes for `users` such queries, of which `queries` are the most costly, beside
  // what the recommender has. Fails as Start.
  absl::StatusOr<int64_t> RankingMemory(std::span<const Query> queries, int64_t users, int64_t k,
                                        const RankOptions& options) const;
};

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_RECOMMENDER_H_

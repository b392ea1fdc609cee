#include "platform/recommenders/lists_recommender.h"

#include <algorithm>
#include <utility>

#include "datasets/text_lines.h"
#include "platform/base/log.h"
#include "platform/recommenders/query_job.h"

namespace openp5::recommenders {
namespace {

using datasets::Excerpt;

class ListsRecommender final : public Recommender {
 public:
  ListsRecommender(const datasets::SequenceDataset& dataset, ListsFile file)
      : dataset_(dataset), file_(std::move(file)) {}

  std::string method() const override { return "lists"; }
  const datasets::SequenceDataset& dataset(size_t) const override { return dataset_; }
  absl::StatusOr<std::unique_ptr<RankingJob>> Start(std::span<const Query> queries, int64_t k,
                                                    const RankOptions& options) const override {
    for (const Query& query : queries) OPENP5_RETURN_IF_ERROR(Check(query));
    WarnOfShortLists(queries, k);
    if (options.filter == Filter::kNone) WarnOfFilteredLists(queries);
    return MakeQueryJob(queries, k, [this](const Query& query, size_t count) {
      const ListOfUser* list = Find(query);
      if (list == nullptr) return Ranking();
      Ranking ranking = list->ranking;
      ranking.items.resize(std::min(count, ranking.items.size()));
      ranking.scores.resize(ranking.items.size());
      return ranking;
    });
  }

 private:
  const ListOfUser* Find(const Query& query) const {
    const auto found = query.user.has_value() ? file_.lists.find(*query.user) : file_.lists.end();
    return found == file_.lists.end() ? nullptr : &found->second;
  }

  absl::Status Check(const Query& query) const {
    const ListOfUser* list = Find(query);
    if (list == nullptr) return absl::OkStatus();
    const std::string where = StrCat("lists: ", file_.path, ":", list->line, ": user '",
                                     Excerpt(dataset_.UserId(*query.user)), "'");
    if (list->target >= 0 && query.target >= 0 && list->target != query.target) {
      return InvalidArgument(where, ": target: expected '", Excerpt(dataset_.ItemId(query.target)),
                             "', got '", Excerpt(dataset_.ItemId(list->target)),
                             "'; hint: --split must be the one that the lists were made for");
    }
    for (const int32_t item : list->ranking.items) {
      if (!std::binary_search(query.excluded.begin(), query.excluded.end(), item)) continue;
      return InvalidArgument(where, ": expected no item of the user's past in a filtered list, ",
                             "got '", Excerpt(dataset_.ItemId(item)),
                             "'; hint: without --filtered the lists are evaluated as they are");
    }
    return absl::OkStatus();
  }

  void WarnOfShortLists(std::span<const Query> queries, int64_t k) const {
    size_t missing = 0, longest = 0;
    for (const Query& query : queries) {
      const ListOfUser* list = Find(query);
      if (list == nullptr) ++missing;
      if (list != nullptr) longest = std::max(longest, list->ranking.items.size());
    }
    if (missing > 0) {
      LogWarning(StrCat("lists: ", file_.path, ": ", missing, " of ", queries.size(),
                        " users have no list and count as misses"));
    }
    if (!queries.empty() && static_cast<int64_t>(longest) < k) {
      LogWarning(StrCat("lists: ", file_.path, ": the longest list has ", longest,
                        " items, fewer than the ", k,
                        " that the metrics look at: targets further down count as misses"));
    }
  }

  // Lists of a system that leaves past items out are worth more than those of one that does not.
  void WarnOfFilteredLists(std::span<const Query> queries) const {
    const auto has_past = [&](const Query& query) {
      const ListOfUser* list = Find(query);
      if (list == nullptr) return false;
      return std::any_of(list->ranking.items.begin(), list->ranking.items.end(), [&](int32_t item) {
        return std::find(query.history.begin(), query.history.end(), item) != query.history.end();
      });
    };
    if (queries.empty() || std::any_of(queries.begin(), queries.end(), has_past)) return;
    LogWarning(StrCat("lists: ", file_.path,
                      ": no list has an item of its user's past, as if they were left out; hint: "
                      "--filtered if they were"));
  }

  const datasets::SequenceDataset& dataset_;
  const ListsFile file_;
};

}  // namespace

std::unique_ptr<Recommender> MakeLists(const datasets::SequenceDataset& dataset, ListsFile file) {
  return std::make_unique<ListsRecommender>(dataset, std::move(file));
}

}  // namespace openp5::recommenders

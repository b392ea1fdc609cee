#include <algorithm>
#include <numeric>

#include "indexing/cluster_tree.h"
#include "indexing/indexers.h"
#include "indexing/interaction_counts.h"
#include "platform/base/random.h"

namespace openp5::indexing {
namespace {

absl::Status Validate(const IndexParameters& parameters) {
  const int64_t clusters = parameters.collaborative_cluster;
  const int64_t size = parameters.collaborative_token_size;
  // The cost of a split grows with the square of the clusters; nothing published uses more than 20.
  if (clusters < 2 || clusters > 256) {
    return UsageError(StrCat("collaborative-cluster: expected 2 to 256, got ", clusters));
  }
  if (size < clusters || size > 1'000'000) {
    return UsageError(
        StrCat("collaborative-token-size: expected ", clusters,
               " (collaborative-cluster) to 1000000, got ", size,
               "; with fewer tokens than clusters, groups of one split would share a token"));
  }
  const std::string& last = parameters.collaborative_last_token;
  if (last != "sequential" && last != "random") {
    return UsageError(
        StrCat("collaborative-last-token: expected sequential or random, got '", last, "'"));
  }
  const std::string& unseen = parameters.unseen_items;
  if (unseen != "openp5" && unseen != "prefix-free") {
    return UsageError(StrCat("unseen-items: expected openp5 or prefix-free, got '", unseen, "'"));
  }
  return absl::OkStatus();
}

// Items of the training parts, by first appearance there, and how often each user has each.
struct TrainingData {
  std::vector<int32_t> items;   // dataset numbers by column of counts
  std::vector<int32_t> unseen;  // dataset numbers of all other items
  InteractionCounts counts;
};

TrainingData ReadTrainingData(const datasets::SequenceDataset& dataset) {
  TrainingData data;
  std::vector<int32_t> column(dataset.item_count(), -1);
  SparseRows& rows = data.counts.by_user;
  std::vector<int32_t> history;
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    history.clear();
    for (const int32_t item : dataset.TrainPart(user)) {
      if (column[item] < 0) {
        column[item] = static_cast<int32_t>(data.items.size());
        data.items.push_back(item);
      }
      history.push_back(column[item]);
    }
    std::sort(history.begin(), history.end());
    if (history.empty() || history.front() == history.back()) continue;
    for (size_t begin = 0, end = 0; begin < history.size(); begin = end) {
      while (end < history.size() && history[end] == history[begin]) ++end;
      rows.columns.push_back(history[begin]);
      rows.values.push_back(static_cast<float>(end - begin));
    }
    rows.EndRow();
  }
  for (int32_t item = 0; item < dataset.item_count(); ++item) {
    if (column[item] < 0) data.unseen.push_back(item);
  }
  data.counts.by_item = rows.Transposed(data.items.size());
  return data;
}

std::string Token(int64_t number) { return StrCat("<CI", number, ">"); }

// The numbers of a group's last tokens.
class LastTokens {
 public:
  explicit LastTokens(const IndexParameters& parameters)
      : token_size_(parameters.collaborative_token_size),
        is_random_(parameters.collaborative_last_token == "random"),
        random_(static_cast<uint64_t>(parameters.seed)) {}

  // 0, 1, …, or different ones drawn from the token_size (or `count`, if more) smallest.
  std::vector<int64_t> Draw(size_t count) {
    const size_t from = is_random_ ? std::max(count, static_cast<size_t>(token_size_)) : count;
    std::vector<int64_t> numbers(from);
    std::iota(numbers.begin(), numbers.end(), 0);
    if (is_random_) random_.Shuffle(std::span(numbers));
    numbers.resize(count);
    return numbers;
  }

 private:
  const int64_t token_size_;
  const bool is_random_;
  Random random_;
};

// Items without training data. OpenP5 gives each a single token, which may also be a group's.
// Prefix-free: groups of at most token_size, each under a token no group of the first level has.
void AppendUnseen(const TrainingData& data, const IndexParameters& parameters,
                  int64_t first_free_token, LastTokens* last_tokens,
                  std::vector<Assignment>* assignments) {
  const bool grouped = parameters.unseen_items == "prefix-free";
  const size_t most = grouped ? parameters.collaborative_token_size : data.unseen.size();
  for (size_t begin = 0; begin < data.unseen.size(); begin += most, ++first_free_token) {
    const size_t count = std::min(most, data.unseen.size() - begin);
    const std::string prefix = grouped ? Token(first_free_token) : "";
    const std::vector<int64_t> numbers = last_tokens->Draw(count);
    for (size_t i = 0; i < count; ++i) {
      assignments->push_back({data.unseen[begin + i], prefix + Token(numbers[i])});
    }
  }
}

}  // namespace

// OpenP5's collaborative indexing: items that are bought by the same users share leading tokens.
absl::StatusOr<std::vector<Assignment>> CollaborativeIdentifiers(
    const datasets::SequenceDataset& dataset, const IndexParameters& parameters) {
  OPENP5_RETURN_IF_ERROR(Validate(parameters));
  const TrainingData data = ReadTrainingData(dataset);
  ClusterTreeOptions options;
  options.clusters = static_cast<int>(parameters.collaborative_cluster);
  options.token_size = static_cast<int>(parameters.collaborative_token_size);
  LastTokens last_tokens(parameters);
  std::vector<Assignment> assignments;
  assignments.reserve(dataset.item_count());
  int64_t first_free_token = 0;
  for (const LeafGroup& leaf : BuildClusterTree(data.counts, options)) {
    first_free_token = std::max<int64_t>(first_free_token, leaf.path.front() + 1);
    std::string prefix;
    for (const int32_t token : leaf.path) prefix += Token(token);
    const std::vector<int64_t> numbers = last_tokens.Draw(leaf.items.size());
    for (size_t i = 0; i < leaf.items.size(); ++i) {
      assignments.push_back({data.items[leaf.items[i]], prefix + Token(numbers[i])});
    }
  }
  AppendUnseen(data, parameters, first_free_token, &last_tokens, &assignments);
  return assignments;
}

}  // namespace openp5::indexing

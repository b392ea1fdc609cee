#include "indexing/methods/collaborative.h"

#include <algorithm>
#include <numeric>

#include "indexing/clustering/cluster_tree.h"
#include "indexing/clustering/interaction_counts.h"
#include "indexing/index_methods.h"
#include "platform/base/random.h"

namespace openp5::indexing {
namespace {

absl::Status Validate(const CollaborativeOptions& options) {
  const int64_t clusters = options.cluster;
  const int64_t size = options.token_size;
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
  LastTokens(const CollaborativeOptions& options, int64_t seed)
      : token_size_(options.token_size),
        is_random_(options.last_token == LastToken::kRandom),
        random_(static_cast<uint64_t>(seed)) {}

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
void AppendUnseen(const TrainingData& data, const CollaborativeOptions& options,
                  int64_t first_free_token, LastTokens* last_tokens,
                  std::vector<Assignment>* assignments) {
  const bool grouped = options.unseen_items == UnseenItems::kPrefixFree;
  const size_t most = grouped ? options.token_size : data.unseen.size();
  for (size_t begin = 0; begin < data.unseen.size(); begin += most, ++first_free_token) {
    const size_t count = std::min(most, data.unseen.size() - begin);
    const std::string prefix = grouped ? Token(first_free_token) : "";
    const std::vector<int64_t> numbers = last_tokens->Draw(count);
    for (size_t i = 0; i < count; ++i) {
      assignments->push_back({data.unseen[begin + i], prefix + Token(numbers[i])});
    }
  }
}

// OpenP5's collaborative indexing: items that are bought by the same users share leading tokens.
absl::StatusOr<Assignments> Build(const datasets::SequenceDataset& dataset,
                                  const OptionGroup& group, int64_t seed) {
  const auto& options = OptionsOf<CollaborativeOptions>(group);
  OPENP5_RETURN_IF_ERROR(Validate(options));
  const TrainingData data = ReadTrainingData(dataset);
  ClusterTreeOptions tree;
  tree.clusters = static_cast<int>(options.cluster);
  tree.token_size = static_cast<int>(options.token_size);
  LastTokens last_tokens(options, seed);
  std::vector<Assignment> assignments;
  assignments.reserve(dataset.item_count());
  int64_t first_free_token = 0;
  for (const LeafGroup& leaf : BuildClusterTree(data.counts, tree)) {
    first_free_token = std::max<int64_t>(first_free_token, leaf.path.front() + 1);
    std::string prefix;
    for (const int32_t token : leaf.path) prefix += Token(token);
    const std::vector<int64_t> numbers = last_tokens.Draw(leaf.items.size());
    for (size_t i = 0; i < leaf.items.size(); ++i) {
      assignments.push_back({data.items[leaf.items[i]], prefix + Token(numbers[i])});
    }
  }
  AppendUnseen(data, options, first_free_token, &last_tokens, &assignments);
  return Assignments{std::move(assignments)};
}

// One or more "<CIn>".
bool IsIdentifier(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const size_t end = text.find('>');
    if (end == std::string_view::npos || text.substr(0, 3) != "<CI" || end < 4 ||
        !IsNumber(text.substr(3, end - 3))) {
      return false;
    }
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

void CollaborativeOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "collaborative-token-size",
                 .help = "collaborative: most items in a leaf group, and number of group tokens",
                 .minimum = 2,
                 .maximum = 1e6},
                &token_size);
  visitor.Visit({.name = "collaborative-cluster",
                 .help = "collaborative: groups a split makes; at most the token size",
                 .minimum = 2,
                 .maximum = 256},
                &cluster);
  visitor.Visit({.name = "collaborative-last-token",
                 .help = "collaborative: how the items of a leaf group are numbered"},
                &last_token);
  visitor.Visit(
      {.name = "unseen-items",
       .help = "collaborative, items without training data: one token as in OpenP5 (may be "
               "the beginning of other identifiers), or groups of their own"},
      &unseen_items);
}

IndexMethod CollaborativeMethod() {
  return {.make_options = MakeOptionGroup<CollaborativeOptions>,
          .key = [](const OptionGroup& group) -> std::vector<std::string> {
            const auto& options = OptionsOf<CollaborativeOptions>(group);
            return {StrCat(options.token_size), StrCat(options.cluster),
                    EnumName(options.last_token), EnumName(options.unseen_items)};
          },
          .is_seeded =
              [](const OptionGroup& group) {
                return OptionsOf<CollaborativeOptions>(group).last_token == LastToken::kRandom;
              },
          .build = Build,
          .is_identifier = IsIdentifier,
          .example = "<CI3><CI8>",
          .named_always = {"collaborative-token-size", "collaborative-cluster"}};
}

}  // namespace openp5::indexing

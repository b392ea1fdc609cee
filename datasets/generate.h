#ifndef OPENP5_DATASETS_GENERATE_H_
#define OPENP5_DATASETS_GENERATE_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "datasets/dataset_folder.h"
#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5::datasets {

// A made-up dataset whose next item can be learned from the history, for tests, tutorials and
// benchmarks. Nothing in it stems from real people.
//
// The process, all of it drawn from `seed`:
//  * `items` are dealt evenly to `groups`. Inside a group they form a chain, a fixed order that
//    ends where it begins; popularity in a group falls as 1 / rank^popularity_exponent, ranks in
//    chain order. Each group has two neighbour groups.
//  * A user has a sequence length, uniform between `min_length` and twice `mean_length` minus
//    that, and a taste: a group, drawn uniformly.
//  * Before each item the taste stays with probability `stay`, else it drifts to one of the group's
//    neighbours. So co-occurrence has group structure.
//  * If the taste stayed, the next item is the previous item's follower in the chain with
//    probability `follow`; otherwise, and after a drift, it is drawn by popularity from the group.
//    An item the user already has is replaced by the first one behind it in the chain that he has
//    not; a group used up makes the taste drift.
//  * Items that nobody took do not occur.
// With the defaults the ten most popular items contain about 6 % of the test items, the ten
// likeliest followers of the last item (first-order counts) about 75 %.
struct GenerateOptions {
  std::string out = {};  // dataset folder to make; its name is the dataset's in prompts
  int64_t users = 600;
  int64_t items = 400;
  int64_t groups = 20;
  int64_t min_length = 5;
  int64_t mean_length = 15;
  double stay = 0.9;
  double follow = 0.75;
  double popularity_exponent = 0.5;  // 0: all alike
  int64_t seed = 1;

  void ForEach(OptionVisitor& visitor);
};

// The folder's content without writing it. InvalidArgument naming the option if the numbers do not
// go together (fewer than two items a group, mean below min, lengths beyond half of the items).
absl::StatusOr<DatasetContent> GenerateContent(const GenerateOptions& options);

// Writes it to `options.out` and returns its dataset.json; fails as GenerateContent and
// WriteDatasetFolder do.
absl::StatusOr<nlohmann::ordered_json> GenerateDataset(const GenerateOptions& options);

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_GENERATE_H_

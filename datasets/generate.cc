#include "datasets/generate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "platform/base/random.h"

namespace openp5::datasets {
namespace {

struct Group {
  std::vector<int64_t> items;     // chain order
  std::vector<uint64_t> weights;  // running sums of popularity, chain order
  std::vector<int64_t> neighbours;
};

absl::Status CheckOptions(const GenerateOptions& options) {
  if (options.items < 2 * options.groups) {
    return InvalidArgument("generate: --items: expected at least two for each of ", options.groups,
                           " groups, got ", options.items);
  }
  if (options.mean_length < options.min_length) {
    return InvalidArgument("generate: --mean-length: expected at least --min-length (",
                           options.min_length, "), got ", options.mean_length);
  }
  const int64_t longest = 2 * options.mean_length - options.min_length;
  if (longest > options.items / 2) {
    return InvalidArgument("generate: --mean-length: expected sequences of at most half of the ",
                           options.items, " items, got up to ", longest);
  }
  return absl::OkStatus();
}

// Makes the groups, then one user after the other.
class Generator {
 public:
  explicit Generator(const GenerateOptions& options)
      : options_(options),
        random_(static_cast<uint64_t>(options.seed)),
        groups_(static_cast<size_t>(options.groups)),
        group_of_(static_cast<size_t>(options.items)),
        place_of_(static_cast<size_t>(options.items)) {
    DealItems();
    for (Group& group : groups_) WeighItems(&group);
    ChooseNeighbours();
  }

  std::vector<int64_t> MakeUser() {
    const auto spread = static_cast<uint64_t>(2 * (options_.mean_length - options_.min_length) + 1);
    const size_t length = static_cast<size_t>(options_.min_length) + random_.Below(spread);
    std::vector<int64_t> sequence;
    std::vector<bool> taken(static_cast<size_t>(options_.items));
    size_t taste = random_.Below(groups_.size());
    while (sequence.size() < length) {
      const bool stayed = !sequence.empty() && random_.Uniform() < options_.stay;
      if (!stayed && !sequence.empty()) taste = Drift(taste);
      const int64_t item = NextItem(taste, stayed ? &sequence.back() : nullptr, taken);
      if (item < 0) {
        taste = random_.Below(groups_.size());  // leaves a corner in which all is used up
        continue;
      }
      taken[static_cast<size_t>(item)] = true;
      sequence.push_back(item);
    }
    return sequence;
  }

  // Numbered from 1, as texts show them.
  int64_t GroupNumber(int64_t item) const { return group_of_[static_cast<size_t>(item)] + 1; }
  int64_t PlaceNumber(int64_t item) const { return place_of_[static_cast<size_t>(item)] + 1; }

 private:
  void DealItems() {
    for (int64_t item = 0; item < options_.items; ++item) {
      const int64_t group = item % options_.groups;
      std::vector<int64_t>& chain = groups_[static_cast<size_t>(group)].items;
      group_of_[static_cast<size_t>(item)] = group;
      place_of_[static_cast<size_t>(item)] = static_cast<int64_t>(chain.size());
      chain.push_back(item);
    }
  }

  // Whole numbers, so that a machine with another `pow` in the last bit draws the same items.
  void WeighItems(Group* group) {
    uint64_t sum = 0;
    for (size_t rank = 1; rank <= group->items.size(); ++rank) {
      const double weight = std::pow(static_cast<double>(rank), -options_.popularity_exponent);
      sum += static_cast<uint64_t>(std::max<int64_t>(1, std::llround(1e6 * weight)));
      group->weights.push_back(sum);
    }
  }

  void ChooseNeighbours() {
    for (Group& group : groups_) {
      for (int i = 0; i < 2; ++i) {
        group.neighbours.push_back(static_cast<int64_t>(random_.Below(groups_.size())));
      }
    }
  }

  size_t Drift(size_t taste) {
    const std::vector<int64_t>& neighbours = groups_[taste].neighbours;
    return static_cast<size_t>(neighbours[random_.Below(neighbours.size())]);
  }

  // -1 if the user has all items of the group.
  int64_t NextItem(size_t taste, const int64_t* previous, const std::vector<bool>& taken) {
    const Group& group = groups_[taste];
    size_t place;
    // The previous item may be of another group after a group was used up.
    if (previous != nullptr &&
        group_of_[static_cast<size_t>(*previous)] == static_cast<int64_t>(taste) &&
        random_.Uniform() < options_.follow) {
      place = static_cast<size_t>(place_of_[static_cast<size_t>(*previous)]) + 1;
    } else {
      const uint64_t drawn = random_.Below(group.weights.back());
      place =
          static_cast<size_t>(std::upper_bound(group.weights.begin(), group.weights.end(), drawn) -
                              group.weights.begin());
    }
    for (size_t step = 0; step < group.items.size(); ++step) {
      const int64_t item = group.items[(place + step) % group.items.size()];
      if (!taken[static_cast<size_t>(item)]) return item;
    }
    return -1;
  }

  const GenerateOptions& options_;
  Random random_;
  std::vector<Group> groups_;
  std::vector<int64_t> group_of_, place_of_;  // [items]
};

nlohmann::ordered_json Describe(GenerateOptions options, const InteractionCounts& counts) {
  options.out.clear();
  nlohmann::json parameters;
  ToJson(options, &parameters);
  parameters.erase("out");
  return {{"source", {{"dataset", "generated"}, {"options", parameters}}},
          {"rule", "generated: a walk over item groups with a chain of followers in each"},
          {"order", "generated"},
          {"ties", "none"},
          {"users", counts.users},
          {"items", counts.items},
          {"interactions", counts.interactions},
          {"comparison", kNotOfOpenP5}};
}

}  // namespace

void GenerateOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "out", .help = "dataset folder to make; its name is used in prompts"},
                &out);
  visitor.Visit({.name = "users", .help = "number of users", .minimum = 1, .maximum = 1e8}, &users);
  visitor.Visit({.name = "items", .help = "number of items", .minimum = 2, .maximum = 1e8}, &items);
  visitor.Visit({.name = "groups", .help = "groups of items", .minimum = 1, .maximum = 1e6},
                &groups);
  visitor.Visit({.name = "min-length", .help = "items of the shortest sequence", .minimum = 3},
                &min_length);
  visitor.Visit({.name = "mean-length", .help = "mean items of a sequence", .minimum = 3},
                &mean_length);
  visitor.Visit({.name = "stay",
                 .help = "probability that a user's taste stays in its group",
                 .minimum = 0,
                 .maximum = 1},
                &stay);
  visitor.Visit({.name = "follow",
                 .help = "probability that the next item is the follower of the last one",
                 .minimum = 0,
                 .maximum = 1},
                &follow);
  visitor.Visit({.name = "popularity-exponent",
                 .help = "skew of popularity inside a group; 0: none",
                 .minimum = 0,
                 .maximum = 4},
                &popularity_exponent);
  visitor.Visit({.name = "seed", .help = "seed of all random choices"}, &seed);
}

absl::StatusOr<DatasetContent> GenerateContent(const GenerateOptions& options) {
  OPENP5_RETURN_IF_ERROR(CheckOptions(options));
  Generator generator(options);
  DatasetContent content;
  std::vector<bool> occurs(static_cast<size_t>(options.items));
  const auto id = [&](int64_t item) {
    return StrCat("g", generator.GroupNumber(item), "i", generator.PlaceNumber(item));
  };
  InteractionCounts counts{.users = options.users};
  for (int64_t user = 1; user <= options.users; ++user) {
    content.sequences += StrCat("u", user);
    for (const int64_t item : generator.MakeUser()) {
      content.sequences += ' ';
      content.sequences += id(item);
      occurs[static_cast<size_t>(item)] = true;
      ++counts.interactions;
    }
    content.sequences += '\n';
  }
  for (int64_t item = 0; item < options.items; ++item) {
    if (!occurs[static_cast<size_t>(item)]) continue;
    const std::string group = StrCat("Group ", generator.GroupNumber(item));
    content.items.push_back({.item = id(item),
                             .title = StrCat(group, " item ", generator.PlaceNumber(item)),
                             .more = {},
                             .categories = {group}});
    ++counts.items;
  }
  content.description = Describe(options, counts);
  return content;
}

absl::StatusOr<nlohmann::ordered_json> GenerateDataset(const GenerateOptions& options) {
  OPENP5_RETURN_IF_ERROR(CheckMayWriteDataset(options.out));
  OPENP5_ASSIGN_OR_RETURN(const DatasetContent content, GenerateContent(options));
  return WriteDatasetFolder(options.out, content);
}

}  // namespace openp5::datasets

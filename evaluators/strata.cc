#include "evaluators/strata.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "datasets/item_sets.h"

namespace openp5::evaluators {
namespace {

using datasets::Position;
using datasets::SequenceDataset;

constexpr size_t kAskedItems = 10;  // latest items that may lead to the target

std::span<const int32_t> Past(const SequenceDataset& dataset, const Position& position) {
  return dataset.Sequence(position.user).first(static_cast<size_t>(position.target));
}

size_t Target(const SequenceDataset& dataset, const Position& position) {
  return static_cast<size_t>(dataset.Sequence(position.user)[static_cast<size_t>(position.target)]);
}

// Which part of the training interactions an item belongs to: 0 head, 1 middle, 2 tail.
std::vector<size_t> PopularityParts(const std::vector<int64_t>& counts) {
  std::vector<int64_t> falling = counts;
  std::sort(falling.begin(), falling.end(), std::greater<>());
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  std::map<int64_t, size_t> part_of_count;
  int64_t above = 0;  // interactions of the items that have more
  for (size_t begin = 0, end = 0; begin < falling.size(); begin = end) {
    const int64_t count = falling[begin];
    while (end < falling.size() && falling[end] == count) ++end;
    part_of_count[count] = count == 0 || 3 * above >= 2 * total ? 2 : 3 * above >= total ? 1 : 0;
    above += count * static_cast<int64_t>(end - begin);
  }
  std::vector<size_t> parts;
  for (const int64_t count : counts) parts.push_back(part_of_count[count]);
  return parts;
}

// Which users' training parts hold an item.
class Occurrences {
 public:
  explicit Occurrences(const SequenceDataset& dataset)
      : users_(static_cast<size_t>(dataset.item_count())) {
    for (int32_t user = 0; user < dataset.user_count(); ++user) {
      for (const int32_t item : datasets::DistinctItems(dataset.TrainPart(user))) {
        users_[static_cast<size_t>(item)].push_back(user);
      }
    }
  }
  bool Together(size_t item, size_t other) const {
    const auto& [few, many] =
        std::minmax(users_[item], users_[other],
                    [](const auto& a, const auto& b) { return a.size() < b.size(); });
    return std::any_of(few.begin(), few.end(), [&, &many = many](int32_t user) {
      return std::binary_search(many.begin(), many.end(), user);
    });
  }

 private:
  std::vector<std::vector<int32_t>> users_;  // by item, ascending
};

// One way to divide users: the names of its parts, and a question's part.
struct Property {
  std::string name;
  std::vector<std::string> parts;
  std::function<size_t(const Position&)> part;
};

size_t LengthPart(size_t length) {
  constexpr std::array<size_t, 4> kLongest = {5, 10, 20, 50};
  const auto* const part = std::lower_bound(kLongest.begin(), kLongest.end(), length);
  return static_cast<size_t>(part - kLongest.begin());
}

std::vector<Property> Properties(const SequenceDataset& dataset) {
  const std::vector<int64_t> counts = datasets::TrainingCounts(dataset);
  const auto popularity = [&dataset, parts = PopularityParts(counts)](const Position& position) {
    return parts[Target(dataset, position)];
  };
  const auto length = [&dataset](const Position& position) {
    return LengthPart(Past(dataset, position).size());
  };
  const auto is_cold = [&dataset, counts](const Position& position) -> size_t {
    return counts[Target(dataset, position)] == 0 ? 0 : 1;
  };
  const auto is_repeat = [&dataset](const Position& position) -> size_t {
    const std::span<const int32_t> past = Past(dataset, position);
    const auto target = static_cast<int32_t>(Target(dataset, position));
    return std::find(past.begin(), past.end(), target) != past.end() ? 0 : 1;
  };
  const auto is_reachable =
      [&dataset, occurrences = Occurrences(dataset)](const Position& position) -> size_t {
    const std::span<const int32_t> past = Past(dataset, position);
    const auto latest = past.last(std::min(past.size(), kAskedItems));
    const size_t target = Target(dataset, position);
    return std::any_of(latest.begin(), latest.end(),
                       [&](int32_t item) {
                         return occurrences.Together(static_cast<size_t>(item), target);
                       })
               ? 0
               : 1;
  };
  return {{"target popularity", {"head", "middle", "tail"}, popularity},
          {"history length", {"up to 5", "6 to 10", "11 to 20", "21 to 50", "over 50"}, length},
          {"cold target", {"yes", "no"}, is_cold},
          {"repeat", {"yes", "no"}, is_repeat},
          {"reachable", {"yes", "no"}, is_reachable}};
}

// The values of the metrics for the users of these numbers.
std::vector<StratumValue> MeasurePart(std::span<const MetricValue> metrics,
                                      const std::vector<size_t>& users,
                                      const Resampling& resampling) {
  std::vector<StratumValue> values;
  std::vector<std::vector<double>> columns;
  for (const MetricValue& metric : metrics) {
    if (metric.users.empty()) continue;
    std::vector<double>& column = columns.emplace_back();
    for (const size_t user : users) column.push_back(metric.users[user]);
    const double sum = std::accumulate(column.begin(), column.end(), 0.0);
    values.push_back({.metric = metric.name, .mean = sum / static_cast<double>(column.size())});
  }
  const std::vector<std::span<const double>> views(columns.begin(), columns.end());
  const std::vector<Interval> intervals = BootstrapIntervals(views, resampling);
  for (size_t i = 0; i < values.size(); ++i) values[i].interval = intervals[i];
  return values;
}

}  // namespace

std::vector<Stratum> MeasureStrata(const SequenceDataset& dataset,
                                   std::span<const Position> positions,
                                   std::span<const MetricValue> metrics,
                                   const Resampling& resampling) {
  std::vector<Stratum> strata;
  for (const Property& property : Properties(dataset)) {
    std::vector<std::vector<size_t>> users(property.parts.size());
    for (size_t i = 0; i < positions.size(); ++i) users[property.part(positions[i])].push_back(i);
    for (size_t part = 0; part < users.size(); ++part) {
      if (users[part].empty()) continue;
      const auto count = static_cast<double>(users[part].size());
      strata.push_back({.property = property.name,
                        .name = property.parts[part],
                        .users = static_cast<int64_t>(users[part].size()),
                        .share = count / static_cast<double>(positions.size()),
                        .values = MeasurePart(metrics, users[part], resampling)});
    }
  }
  return strata;
}

}  // namespace openp5::evaluators

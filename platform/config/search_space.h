#ifndef OPENP5_PLATFORM_CONFIG_SEARCH_SPACE_H_
#define OPENP5_PLATFORM_CONFIG_SEARCH_SPACE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/random.h"
#include "platform/base/status.h"

namespace openp5 {

// Options that vary from trial to trial of a sweep, as a file lists them, a line an option:
//
//   lr         = 1e-3, 5e-4            # each of these values
//   dropout    = uniform(0, 0.5)       # or a number drawn between two:
//   adam-eps   = log(1e-8, 1e-4)       #   its logarithm evenly spread
//   epochs     = integer(2, 8)         #   whole, both ends included
//   tasks      = sequential, "sequential,straightforward"
class SearchSpace {
 public:
  // Option and value, in the order of the file.
  using Trial = std::vector<std::pair<std::string, std::string>>;

  // A usage error naming `file` and the line: no option and value, an option or a value given
  // twice, an open quote, a range that is none; and for a file without options.
  static absl::StatusOr<SearchSpace> Parse(std::string_view text, const std::string& file);

  // Calls `check(option, value, "FILE:LINE")` for every listed value and the ends of every range.
  // Returns the first failure.
  absl::Status ForEachValue(
      const std::function<absl::Status(const std::string& option, const std::string& value,
                                       const std::string& where)>& check) const;

  // If `count` is 0, returns every combination of the values, those of the last option next to each
  // other; a range, which has no such list, is a usage error naming its line. Else returns `count`
  // trials drawn at random; where all are lists, they are different combinations (all of them if
  // there are fewer). The result is a function of the file and `seed` alone, and a longer list
  // begins with the shorter one. A usage error for more than a hundred thousand combinations.
  absl::StatusOr<std::vector<Trial>> Trials(int64_t count, uint64_t seed) const;

 private:
  struct Dimension {
    std::string option = {}, where = {};
    std::vector<std::string> values = {};  // a list, or the two ends of a range as written
    std::string range = {};                // "", "uniform", "log", "integer"
    double low = 0, high = 0;              // of a range

    std::string Draw(Random* random) const;
  };
  static absl::StatusOr<Dimension> ParseLine(std::string_view line, const std::string& where);
  absl::StatusOr<std::vector<Trial>> Grid() const;

  std::vector<Dimension> dimensions_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_CONFIG_SEARCH_SPACE_H_

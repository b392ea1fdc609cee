#include "platform/config/search_space.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "absl/strings/str_format.h"
#include "platform/base/numbers.h"

namespace openp5 {
namespace {

constexpr char kExpected[] =
    "values, or one of uniform(LOW, HIGH), log(LOW, HIGH) and integer(LOW, HIGH)";

std::string_view Strip(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Splits at `separator` where it stands neither in quotes nor in parentheses; with '#' only the
// part before it is of use.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool quoted = false;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted) continue;
    depth += (text[i] == '(') - (text[i] == ')');
    if (text[i] != separator || depth > 0) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

bool ParseFinite(std::string_view text, double* value) {
  const auto number = ParseNumber<double>(text);
  *value = number.value_or(*value);
  return number.has_value() && std::isfinite(*number);
}

// Far apart, so that the draws of one trial are not those of the next seed's.
Random RandomOfTrial(uint64_t seed, uint64_t trial) {
  return Random(seed + 0x9E3779B97F4A7C15u * (trial + 1));
}

}  // namespace

absl::StatusOr<SearchSpace::Dimension> SearchSpace::ParseLine(std::string_view line,
                                                              const std::string& where) {
  const size_t equals = line.find('=');
  Dimension dimension{.option = std::string(Strip(line.substr(0, equals))), .where = where};
  if (equals == std::string_view::npos || dimension.option.empty()) {
    return UsageError(StrCat(where, ": expected 'option = value, value', got '", line, "'"));
  }
  const auto failure = [&](std::string_view expected, std::string_view got) {
    return UsageError(
        StrCat(where, ": ", dimension.option, ": expected ", expected, ", got '", got, "'"));
  };
  const std::string_view all = Strip(line.substr(equals + 1));
  if (std::count(all.begin(), all.end(), '"') % 2 != 0) return failure("a closing quote", all);
  std::vector<std::string_view> parts = Split(all, ',');
  const size_t open = all.find('(');
  if (parts.size() == 1 && open != std::string_view::npos && all.front() != '"') {
    dimension.range = std::string(Strip(all.substr(0, open)));
    const bool known =
        dimension.range == "uniform" || dimension.range == "log" || dimension.range == "integer";
    if (!known || all.back() != ')') return failure(kExpected, all);
    parts = Split(all.substr(open + 1, all.size() - open - 2), ',');
  }
  for (std::string_view part : parts) {
    part = Strip(part);
    const bool quoted = part.size() >= 2 && part.front() == '"' && part.back() == '"';
    if (part.empty() || (!quoted && part.find_first_of("()\"") != std::string_view::npos)) {
      return failure(kExpected, all);
    }
    std::string value(quoted ? part.substr(1, part.size() - 2) : part);
    if (std::count(dimension.values.begin(), dimension.values.end(), value) > 0) {
      return failure("different values", all);
    }
    dimension.values.push_back(std::move(value));
  }
  if (dimension.range.empty()) return dimension;
  const bool numbers = dimension.values.size() == 2 &&
                       ParseFinite(dimension.values[0], &dimension.low) &&
                       ParseFinite(dimension.values[1], &dimension.high);
  if (!numbers || dimension.low >= dimension.high) {
    return failure("two numbers, the smaller first", all);
  }
  if (dimension.range == "log" && dimension.low <= 0) return failure("numbers above 0", all);
  constexpr double kMostExact = 9007199254740992;  // 2^53: every whole number up to here is one
  const auto whole = [](double x) { return x == std::floor(x) && std::abs(x) <= kMostExact; };
  if (dimension.range == "integer" && !(whole(dimension.low) && whole(dimension.high))) {
    return failure("whole numbers", all);
  }
  return dimension;
}

absl::StatusOr<SearchSpace> SearchSpace::Parse(std::string_view text, const std::string& file) {
  SearchSpace space;
  std::set<std::string> seen;
  int number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Strip(Split(text.substr(0, end), '#').front());
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string where = StrCat(file, ":", ++number);
    if (line.empty()) continue;
    OPENP5_ASSIGN_OR_RETURN(Dimension dimension, ParseLine(line, where));
    if (!seen.insert(dimension.option).second) {
      return UsageError(StrCat(where, ": '", dimension.option, "' is given twice"));
    }
    space.dimensions_.push_back(std::move(dimension));
  }
  if (space.dimensions_.empty()) {
    return UsageError(StrCat(file, ": expected a line 'option = value, value', got none"));
  }
  return space;
}

absl::Status SearchSpace::ForEachValue(
    const std::function<absl::Status(const std::string& option, const std::string& value,
                                     const std::string& where)>& check) const {
  for (const Dimension& dimension : dimensions_) {
    for (const std::string& value : dimension.values) {
      OPENP5_RETURN_IF_ERROR(check(dimension.option, value, dimension.where));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SearchSpace::Trial>> SearchSpace::Grid() const {
  constexpr size_t kMost = 100'000;
  std::vector<Trial> trials = {{}};
  for (const Dimension& dimension : dimensions_) {
    if (!dimension.range.empty()) {
      return UsageError(StrCat(dimension.where, ": ", dimension.option,
                               ": expected a list of values, got ", dimension.range,
                               "(…); hint: --trials N draws N trials"));
    }
    if (trials.size() * dimension.values.size() > kMost) {
      return UsageError(
          StrCat(dimension.where, ": expected at most ", kMost, " combinations, got more"));
    }
    std::vector<Trial> longer;
    for (const Trial& trial : trials) {
      for (const std::string& value : dimension.values) {
        longer.push_back(trial);
        longer.back().emplace_back(dimension.option, value);
      }
    }
    trials = std::move(longer);
  }
  return trials;
}

absl::StatusOr<std::vector<SearchSpace::Trial>> SearchSpace::Trials(int64_t count,
                                                                    uint64_t seed) const {
  const bool lists = std::all_of(dimensions_.begin(), dimensions_.end(),
                                 [](const Dimension& d) { return d.range.empty(); });
  if (count == 0 || lists) {
    OPENP5_ASSIGN_OR_RETURN(std::vector<Trial> trials, Grid());
    if (count == 0) return trials;
    Random(seed).Shuffle(std::span(trials));
    trials.resize(std::min(trials.size(), static_cast<size_t>(count)));
    return trials;
  }
  std::vector<Trial> trials(static_cast<size_t>(count));
  for (size_t t = 0; t < trials.size(); ++t) {
    Random random = RandomOfTrial(seed, t);
    for (const Dimension& dimension : dimensions_) {
      trials[t].emplace_back(dimension.option, dimension.Draw(&random));
    }
  }
  return trials;
}

// Four digits: enough to try, short enough for a table, and the same with every math library.
std::string SearchSpace::Dimension::Draw(Random* random) const {
  if (range.empty()) return values[random->Below(values.size())];
  if (range == "integer") {
    const auto span = static_cast<uint64_t>(high - low) + 1;
    return std::to_string(static_cast<int64_t>(low) + static_cast<int64_t>(random->Below(span)));
  }
  // Written so that nothing overflows between the widest ends.
  const double share = random->Uniform();
  const bool log = range == "log";
  const double from = log ? std::log(low) : low, to = log ? std::log(high) : high;
  const double between = from * (1 - share) + to * share;
  const double drawn = log ? std::exp(between) : between;
  return absl::StrFormat("%.4g", drawn);
}

}  // namespace openp5

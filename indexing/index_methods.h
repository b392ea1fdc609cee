#ifndef OPENP5_INDEXING_INDEX_METHODS_H_
#define OPENP5_INDEXING_INDEX_METHODS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/sequences.h"
#include "indexing/index_parameters.h"
#include "platform/base/status.h"
#include "platform/config/options.h"
#include "platform/registry/registry.h"

namespace openp5::indexing {

// One item (by its number in the dataset) and what stands after `item_` in prompts.
struct Assignment {
  int32_t item = 0;
  std::string identifier;
};

// What a method makes of a dataset.
struct Assignments {
  std::vector<Assignment> items;  // every item once, in the order of exported files
  // SHA-256 of every file besides the dataset that was read for it, by what the file holds, e.g.
  // "vectors".
  std::map<std::string, std::string> inputs = {};
};

// A way to give items their identifiers, with options of its own.
struct IndexMethod {
  std::unique_ptr<OptionGroup> (*make_options)() = nullptr;
  // The values of the options that the identifiers depend on, in a fixed order.
  std::vector<std::string> (*key)(const OptionGroup& options) = nullptr;
  // True if the identifiers depend on the seed.
  bool (*is_seeded)(const OptionGroup& options) = nullptr;
  // Gives every item of `dataset` an identifier. A usage error for options that make no sense. A
  // function of its arguments alone, and of the files that they name.
  absl::StatusOr<Assignments> (*build)(const datasets::SequenceDataset& dataset,
                                       const OptionGroup& options, int64_t seed) = nullptr;
  // Identifiers as a file from elsewhere may hold them: a test, and an example for messages.
  bool (*is_identifier)(std::string_view text) = nullptr;
  const char* example = "";
  std::set<std::string> named_always = {};  // options that messages name even at their default
};

// Adds the methods "collaborative", "random" and "sequential".
absl::Status RegisterBuiltinMethods(Registry<IndexMethod>* methods);
// Returns a registry of these only, which is made at the first call. Thread-safe.
const Registry<IndexMethod>& BuiltinMethods();

// The items in `order`, numbered "1001", "1002", …
Assignments NumberItems(const std::vector<int32_t>& order);
// True for such a number: one or more decimal digits.
bool IsNumber(std::string_view text);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEX_METHODS_H_

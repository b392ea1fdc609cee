#ifndef OPENP5_INDEXING_INDEXERS_H_
#define OPENP5_INDEXING_INDEXERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"
#include "platform/registry/registry.h"

namespace openp5::indexing {

// One item (by its number in the dataset) and what stands after `item_` in prompts.
struct Assignment {
  int32_t item = 0;
  std::string identifier;
};

// Gives every item of `dataset` an identifier, in the order of exported files. InvalidArgument for
// parameters that make no sense. A function of its arguments alone.
using Indexer = absl::StatusOr<std::vector<Assignment>> (*)(
    const datasets::SequenceDataset& dataset, const IndexParameters& parameters);

// One function a method, each in a file of its own.
absl::StatusOr<std::vector<Assignment>> RandomIdentifiers(const datasets::SequenceDataset& dataset,
                                                          const IndexParameters& parameters);
absl::StatusOr<std::vector<Assignment>> SequentialIdentifiers(
    const datasets::SequenceDataset& dataset, const IndexParameters& parameters);
absl::StatusOr<std::vector<Assignment>> CollaborativeIdentifiers(
    const datasets::SequenceDataset& dataset, const IndexParameters& parameters);

// Every method `--indexing` knows, by name. A new method is a file and a line here.
Registry<Indexer> BuiltinIndexers();

// Items 0, 1, … in `order`, numbered "1001", "1002", …
std::vector<Assignment> NumberItems(const std::vector<int32_t>& order);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEXERS_H_

#include "indexing/fitting_parameters.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "indexing/methods/collaborative.h"

namespace openp5::indexing {
namespace {

// Token size and clusters of the files OpenP5 ships and of its training and test scripts.
constexpr std::pair<int64_t, int64_t> kPublished[] = {{200, 10}, {200, 20},  {500, 10},
                                                      {500, 20}, {1000, 10}, {1000, 20}};

// Different tokens of all indexes, or nothing if one cannot be built.
std::optional<int64_t> CountAddedTokens(const std::vector<datasets::SequenceDataset>& datasets,
                                        const IndexParameters& parameters) {
  std::set<std::string> tokens;
  for (const datasets::SequenceDataset& dataset : datasets) {
    const auto index = BuildItemIndex(dataset, parameters);
    if (!index.ok()) return std::nullopt;
    for (std::string& token : index->AddedTokens()) tokens.insert(std::move(token));
  }
  return static_cast<int64_t>(tokens.size());
}

}  // namespace

std::vector<IndexParameters> FindFittingParameters(
    const std::vector<datasets::SequenceDataset>& datasets,
    const std::function<bool(int64_t added_tokens)>& fits) {
  std::vector<IndexParameters> found;
  if (fits(0)) {
    for (const char* numbered : {"sequential", "random"}) {
      found.emplace_back(numbered);
    }
  }
  for (const auto& [token_size, clusters] : kPublished) {
    IndexParameters parameters("collaborative");
    parameters.Of<CollaborativeOptions>().token_size = token_size;
    parameters.Of<CollaborativeOptions>().cluster = clusters;
    const std::optional<int64_t> count = CountAddedTokens(datasets, parameters);
    if (count.has_value() && fits(*count)) found.push_back(parameters);
  }
  return found;
}

}  // namespace openp5::indexing

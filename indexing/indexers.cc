#include "indexing/indexers.h"

namespace openp5::indexing {

Registry<Indexer> BuiltinIndexers() {
  Registry<Indexer> indexers("indexing");
  for (const auto& [name, indexer] :
       {std::pair<const char*, Indexer>{"collaborative", CollaborativeIdentifiers},
        {"random", RandomIdentifiers},
        {"sequential", SequentialIdentifiers}}) {
    OPENP5_CHECK(indexers.Register(name, indexer).ok());
  }
  return indexers;
}

std::vector<Assignment> NumberItems(const std::vector<int32_t>& order) {
  // OpenP5 starts here so that all identifiers have at least four digits.
  constexpr int64_t kFirstNumber = 1001;
  std::vector<Assignment> assignments;
  assignments.reserve(order.size());
  for (const int32_t item : order) {
    const int64_t number = kFirstNumber + static_cast<int64_t>(assignments.size());
    assignments.push_back({item, StrCat(number)});
  }
  return assignments;
}

absl::StatusOr<ItemIndex> BuildItemIndex(const datasets::SequenceDataset& dataset,
                                         const IndexParameters& parameters) {
  const Registry<Indexer> indexers = BuiltinIndexers();
  const auto indexer = indexers.Find(parameters.indexing);
  if (!indexer.ok()) return UsageError(ToStd(indexer.status().message()));
  OPENP5_ASSIGN_OR_RETURN(std::vector<Assignment> assignments, (**indexer)(dataset, parameters));
  std::vector<std::string> items, identifiers, users, numbers;
  for (Assignment& assignment : assignments) {
    items.emplace_back(dataset.ItemId(assignment.item));
    identifiers.push_back(std::move(assignment.identifier));
  }
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    users.emplace_back(dataset.UserId(user));
    numbers.push_back(StrCat(user + 1));
  }
  return ItemIndex::Create(parameters, dataset.name(), dataset.digest(), std::move(items),
                           std::move(identifiers), std::move(users), std::move(numbers));
}

}  // namespace openp5::indexing

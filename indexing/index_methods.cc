#include "indexing/index_methods.h"

#include <algorithm>

#include "indexing/item_index.h"

namespace openp5::indexing {

// The methods this program brings, each defined in methods/. A new one is a line here and one
// below.
IndexMethod CollaborativeMethod();
IndexMethod RandomMethod();
IndexMethod SequentialMethod();

Registry<IndexMethod> BuiltinMethods() {
  Registry<IndexMethod> methods("indexing");
  for (const auto& [name, method] :
       {std::pair<const char*, IndexMethod>{"collaborative", CollaborativeMethod()},
        {"random", RandomMethod()},
        {"sequential", SequentialMethod()}}) {
    OPENP5_CHECK(methods.Register(name, method).ok());
  }
  return methods;
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
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
  const Registry<IndexMethod> methods = BuiltinMethods();
  const auto method = methods.Find(parameters.indexing);
  if (!method.ok()) return UsageError(ToStd(method.status().message()));
  OPENP5_ASSIGN_OR_RETURN(std::vector<Assignment> assignments,
                          (*method)->build(dataset, parameters.of_method(), parameters.seed));
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

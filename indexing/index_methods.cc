#include "indexing/index_methods.h"

#include <algorithm>

#include "indexing/item_index.h"

namespace openp5::indexing {

// The methods this program brings, each defined in methods/. A new one is a line here and one
// below.
IndexMethod CollaborativeMethod();
IndexMethod RandomMethod();
IndexMethod SequentialMethod();

absl::Status RegisterBuiltinMethods(Registry<IndexMethod>* methods) {
  OPENP5_RETURN_IF_ERROR(methods->Register("collaborative", CollaborativeMethod()));
  OPENP5_RETURN_IF_ERROR(methods->Register("random", RandomMethod()));
  return methods->Register("sequential", SequentialMethod());
}

const Registry<IndexMethod>& BuiltinMethods() {
  static const Registry<IndexMethod> methods = [] {
    Registry<IndexMethod> made("indexing");
    OPENP5_CHECK(RegisterBuiltinMethods(&made).ok());
    return made;
  }();
  return methods;
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
}

Assignments NumberItems(const std::vector<int32_t>& order) {
  // OpenP5 starts here so that all identifiers have at least four digits.
  constexpr int64_t kFirstNumber = 1001;
  Assignments assignments;
  assignments.items.reserve(order.size());
  for (const int32_t item : order) {
    const int64_t number = kFirstNumber + static_cast<int64_t>(assignments.items.size());
    assignments.items.push_back({item, StrCat(number)});
  }
  return assignments;
}

absl::StatusOr<ItemIndex> BuildItemIndex(const datasets::SequenceDataset& dataset,
                                         const IndexParameters& parameters) {
  OPENP5_ASSIGN_OR_RETURN(const IndexMethod* method, parameters.method());
  OPENP5_ASSIGN_OR_RETURN(Assignments assignments,
                          method->build(dataset, parameters.of_method(), parameters.seed));
  IndexContent content{.parameters = parameters,
                       .dataset_name = dataset.name(),
                       .dataset_digest = dataset.digest(),
                       .inputs = std::move(assignments.inputs)};
  for (Assignment& assignment : assignments.items) {
    content.item_ids.emplace_back(dataset.ItemId(assignment.item));
    content.identifiers.push_back(std::move(assignment.identifier));
  }
  for (int32_t user = 0; user < dataset.user_count(); ++user) {
    content.user_ids.emplace_back(dataset.UserId(user));
    content.user_numbers.push_back(StrCat(user + 1));
  }
  return ItemIndex::Create(std::move(content));
}

}  // namespace openp5::indexing

#include "indexing/item_index.h"

#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "platform/base/digest.h"

namespace openp5::indexing {
namespace {

absl::Status CheckIdentifiers(const std::vector<std::string>& items,
                              const std::vector<std::string>& identifiers,
                              const std::string& where) {
  absl::flat_hash_map<std::string, size_t> owner;
  for (size_t i = 0; i < items.size(); ++i) {
    if (identifiers[i].empty()) {
      return InvalidArgument(where, ": item '", items[i], "' has an empty identifier");
    }
    // A blank or a line end would end the identifier in prompts and files.
    if (identifiers[i].find_first_of(" \t\r\n") != std::string::npos) {
      return InvalidArgument(where, ": item '", items[i], "' has an identifier with a blank");
    }
    const auto [place, added] = owner.try_emplace(identifiers[i], i);
    if (!added) {
      return InvalidArgument(where, ": items '", items[place->second], "' and '", items[i],
                             "' share the identifier '", identifiers[i], "'");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDistinct(const std::vector<std::string>& ids, const char* what,
                           const std::string& where) {
  absl::flat_hash_set<std::string> seen;
  for (const std::string& id : ids) {
    if (!seen.insert(id).second) {
      return InvalidArgument(where, ": ", what, " '", id, "' is given twice");
    }
  }
  return absl::OkStatus();
}

// Values of `ids[0]`, `ids[1]`, … looked up in parallel lists.
template <class IdOf>
absl::StatusOr<std::vector<std::string>> LookUp(const std::vector<std::string>& ids,
                                                const std::vector<std::string>& values,
                                                int32_t count, IdOf id_of, const char* what,
                                                const std::string& where) {
  absl::flat_hash_map<std::string, size_t> place;
  for (size_t i = 0; i < ids.size(); ++i) place.emplace(ids[i], i);
  std::vector<std::string> found;
  found.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    const auto at = place.find(ToAbsl(id_of(i)));
    if (at == place.end()) {
      return FailedPrecondition(where, ": ", what, " '", id_of(i),
                                "' of the dataset is not in the index; build the index again");
    }
    found.push_back(values[at->second]);
  }
  return found;
}

}  // namespace

absl::StatusOr<ItemIndex> ItemIndex::Create(IndexContent content) {
  const std::string where = StrCat("item index of ", content.dataset_name);
  if (content.item_ids.size() != content.identifiers.size()) {
    return InvalidArgument(where, ": expected as many identifiers as items, got ",
                           content.identifiers.size(), " for ", content.item_ids.size());
  }
  if (content.user_ids.size() != content.user_numbers.size()) {
    return InvalidArgument(where, ": expected as many numbers as users, got ",
                           content.user_numbers.size(), " for ", content.user_ids.size());
  }
  OPENP5_RETURN_IF_ERROR(CheckDistinct(content.item_ids, "item", where));
  OPENP5_RETURN_IF_ERROR(CheckDistinct(content.user_ids, "user", where));
  OPENP5_RETURN_IF_ERROR(CheckIdentifiers(content.item_ids, content.identifiers, where));
  return ItemIndex(std::move(content));
}

std::string ItemIndex::Digest() const {
  Sha256 digest;
  // Every list and string with its length, so that no two contents give the same bytes.
  const auto add = [&digest](const std::vector<std::string>& list) {
    digest.Update(StrCat(list.size(), "\n"));
    for (const std::string& text : list) {
      digest.Update(StrCat(text.size(), ":"));
      digest.Update(text);
    }
  };
  for (const auto* list : {&item_ids(), &identifiers(), &user_ids(), &user_numbers()}) add(*list);
  // Left out where there are none, so that indexes of older versions keep their digest.
  for (const auto& [name, input] : inputs()) add({name, input});
  return digest.Finish();
}

std::vector<std::string> ItemIndex::AddedTokens() const {
  absl::flat_hash_set<std::string> seen;
  std::vector<std::string> tokens;
  for (const std::string& identifier : identifiers()) {
    size_t begin = 0;
    while ((begin = identifier.find('<', begin)) != std::string::npos) {
      const size_t end = identifier.find('>', begin);
      if (end == std::string::npos) break;
      std::string token = identifier.substr(begin, end + 1 - begin);
      if (seen.insert(token).second) tokens.push_back(std::move(token));
      begin = end + 1;
    }
  }
  return tokens;
}

absl::StatusOr<std::vector<std::string>> ItemIndex::IdentifiersFor(
    const datasets::SequenceDataset& dataset) const {
  return LookUp(
      item_ids(), identifiers(), dataset.item_count(),
      [&](int32_t item) { return dataset.ItemId(item); }, "item",
      StrCat("item index of ", dataset_name(), " (", parameters().Key(), ")"));
}

absl::StatusOr<std::vector<std::string>> ItemIndex::UserNumbersFor(
    const datasets::SequenceDataset& dataset) const {
  return LookUp(
      user_ids(), user_numbers(), dataset.user_count(),
      [&](int32_t user) { return dataset.UserId(user); }, "user",
      StrCat("item index of ", dataset_name(), " (", parameters().Key(), ")"));
}

}  // namespace openp5::indexing

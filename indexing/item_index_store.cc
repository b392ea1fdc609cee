#include "indexing/item_index_store.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_join.h"
#include "indexing/index_inputs.h"
#include "indexing/index_origin.h"
#include "indexing/item_index.h"
#include "platform/base/file.h"
#include "platform/base/json.h"
#include "platform/storage/key_value_store.h"

// The entries are described in indexing/FORMAT.md.
namespace openp5::indexing {
namespace {

using storage::KeyValueStore;
using storage::OpenMode;

constexpr int64_t kVersion = 1;
constexpr char kSeparator = '\0';
constexpr std::string_view kCatalog("catalog\0", 8);

// "<dataset>\0<parameters>\0"
std::string IndexName(const std::string& dataset, const std::string& key) {
  return StrCat(dataset, std::string(1, kSeparator), key, std::string(1, kSeparator));
}
std::string EntryPrefix(const std::string& index_name) {
  return StrCat("index", std::string(1, kSeparator), index_name);
}

std::string PlaceAndText(size_t place, const std::string& text) {
  std::string value;
  for (int shift = 24; shift >= 0; shift -= 8) {
    value.push_back(static_cast<char>(place >> shift & 0xFF));
  }
  return value + text;
}

absl::Status Damaged(const std::string& index_db, std::string_view what) {
  return DataLoss("item index store: ", index_db, ": ", what, "; build the index again");
}

// What the catalog says of one index.
struct CatalogEntry {
  IndexContent content = {};  // without items and users
  std::string index_digest = {};
  int64_t items = 0, users = 0;
  bool is_imported = false;
};

std::string WriteCatalogEntry(const ItemIndex& index, bool is_imported) {
  nlohmann::json json = {{"version", kVersion},
                         {"dataset", index.dataset_name()},
                         {"dataset_digest", index.dataset_digest()},
                         {"index_digest", index.Digest()},
                         {"items", index.item_ids().size()},
                         {"users", index.user_ids().size()},
                         {"imported", is_imported},
                         {"parameters", nlohmann::json::object()}};
  ToJson(index.parameters(), &json["parameters"]);
  WriteInputs(index.inputs(), &json);
  return DumpJson(json);
}

absl::StatusOr<CatalogEntry> ReadCatalogEntry(std::string_view text, const std::string& index_db,
                                              const Registry<IndexMethod>& methods) {
  const auto parsed = ParseJson(text, "");
  if (!parsed.ok() || !parsed->is_object()) {
    return Damaged(index_db, StrCat("a catalog entry is not a JSON object", parsed.ok() ? "" : ": ",
                                    parsed.status().message()));
  }
  const nlohmann::json& json = *parsed;
  CatalogEntry entry{.content = {.parameters = IndexParameters(methods)}};
  try {
    if (const auto version = json.at("version").get<int64_t>(); version != kVersion) {
      return DataLoss("item index store: ", index_db, ": expected version ", kVersion, ", got ",
                      version, "; a newer program may have written it");
    }
    entry.content.dataset_name = json.at("dataset").get<std::string>();
    entry.content.dataset_digest = json.at("dataset_digest").get<std::string>();
    entry.index_digest = json.at("index_digest").get<std::string>();
    entry.items = json.at("items").get<int64_t>();
    entry.users = json.at("users").get<int64_t>();
    entry.is_imported = json.value("imported", false);  // older versions did not say
    OPENP5_RETURN_IF_ERROR(FromJson(json.at("parameters"), &entry.content.parameters));
    OPENP5_RETURN_IF_ERROR(ReadInputs(json, &entry.content.inputs));
  } catch (const nlohmann::json::exception& error) {
    return Damaged(index_db, StrCat("a catalog entry is malformed: ", error.what()));
  }
  return entry;
}

// Entries of one kind, put back in the order they had.
class OrderedPairs {
 public:
  OrderedPairs(int64_t count, const std::string& index_db) : count_(count), index_db_(index_db) {}

  absl::Status Add(std::string_view id, std::string_view value) {
    size_t place = 0;
    for (size_t i = 0; i < 4 && i < value.size(); ++i) {
      place = place << 8 | static_cast<unsigned char>(value[i]);
    }
    if (value.size() < 4 || pairs_.size() >= static_cast<size_t>(count_)) {
      return Damaged(index_db_, StrCat("an unexpected entry for '", id, "'"));
    }
    pairs_.push_back({place, {std::string(id), std::string(value.substr(4))}});
    return absl::OkStatus();
  }

  absl::Status Take(std::vector<std::string>* ids, std::vector<std::string>* values) {
    if (pairs_.size() != static_cast<size_t>(count_)) {
      return Damaged(index_db_, StrCat("expected ", count_, " entries, got ", pairs_.size()));
    }
    std::sort(pairs_.begin(), pairs_.end());
    for (auto& [place, pair] : pairs_) {
      ids->push_back(std::move(pair.first));
      values->push_back(std::move(pair.second));
    }
    return absl::OkStatus();
  }

 private:
  int64_t count_;
  const std::string& index_db_;
  std::vector<std::pair<size_t, std::pair<std::string, std::string>>> pairs_;
};

absl::StatusOr<ItemIndex> ReadIndex(const KeyValueStore& store, CatalogEntry entry,
                                    const std::string& index_db) {
  IndexContent& content = entry.content;
  OrderedPairs items(entry.items, index_db), users(entry.users, index_db);
  const std::string prefix = EntryPrefix(IndexName(content.dataset_name, content.parameters.Key()));
  for (auto [kind, pairs] : {std::pair<const char*, OrderedPairs*>{"i", &items}, {"u", &users}}) {
    const std::string kind_prefix = prefix + kind;
    OPENP5_RETURN_IF_ERROR(
        store.Scan(kind_prefix, [&](std::string_view key, std::string_view value) {
          return pairs->Add(key.substr(kind_prefix.size()), value);
        }));
  }
  OPENP5_RETURN_IF_ERROR(items.Take(&content.item_ids, &content.identifiers));
  OPENP5_RETURN_IF_ERROR(users.Take(&content.user_ids, &content.user_numbers));
  absl::StatusOr<ItemIndex> index = ItemIndex::Create(std::move(content));
  if (!index.ok()) return Damaged(index_db, ToStd(index.status().message()));
  if (index->Digest() != entry.index_digest) {
    return Damaged(index_db, "the index's digest does not match its entries");
  }
  return index;
}

absl::StatusOr<std::unique_ptr<KeyValueStore>> OpenToRead(const std::string& index_db) {
  absl::StatusOr<std::unique_ptr<KeyValueStore>> store =
      storage::OpenRocksDb(index_db, OpenMode::kReadOnly);
  if (absl::IsNotFound(store.status())) {
    return NotFound(store.status().message(), "; run `openp5 index build` first");
  }
  return store;
}

absl::Status NoSuchIndex(const KeyValueStore& store, const std::string& index_db,
                         const std::string& dataset, const std::string& key) {
  std::vector<std::string> known;
  const std::string prefix = StrCat(kCatalog, dataset, std::string(1, kSeparator));
  OPENP5_RETURN_IF_ERROR(store.Scan(prefix, [&](std::string_view name, std::string_view) {
    name.remove_prefix(prefix.size());
    if (!name.empty()) name.remove_suffix(1);
    known.emplace_back(name);
    return absl::OkStatus();
  }));
  return NotFound("item index store: ", index_db, ": has no index ", key, " of ", dataset,
                  "; it has: ", known.empty() ? "none" : absl::StrJoin(known, ", "),
                  "; run `openp5 index build` with these parameters");
}

absl::Status Save(const std::string& index_db, const ItemIndex& index, bool is_imported) {
  const std::string name = IndexName(index.dataset_name(), index.parameters().Key());
  const std::string prefix = EntryPrefix(name);
  std::vector<std::pair<std::string, std::string>> entries;
  entries.emplace_back(StrCat(kCatalog, name), WriteCatalogEntry(index, is_imported));
  for (size_t i = 0; i < index.item_ids().size(); ++i) {
    const std::string& item = index.item_ids()[i];
    const std::string& identifier = index.identifiers()[i];
    entries.emplace_back(StrCat(prefix, "i", item), PlaceAndText(i, identifier));
    entries.emplace_back(StrCat(prefix, "d", identifier), item);
  }
  for (size_t i = 0; i < index.user_ids().size(); ++i) {
    entries.emplace_back(StrCat(prefix, "u", index.user_ids()[i]),
                         PlaceAndText(i, index.user_numbers()[i]));
  }
  OPENP5_ASSIGN_OR_RETURN(const auto store, storage::OpenRocksDb(index_db, OpenMode::kReadWrite));
  return store->Write(prefix, entries);
}

// The catalog's entry of the index that was built from `dataset`.
absl::StatusOr<CatalogEntry> FindEntry(const KeyValueStore& store, const std::string& index_db,
                                       const datasets::SequenceDataset& dataset,
                                       const IndexParameters& parameters) {
  const std::string key = parameters.Key();
  const auto text = store.Get(StrCat(kCatalog, IndexName(dataset.name(), key)));
  if (absl::IsNotFound(text.status())) return NoSuchIndex(store, index_db, dataset.name(), key);
  OPENP5_RETURN_IF_ERROR(text.status());
  OPENP5_ASSIGN_OR_RETURN(CatalogEntry entry,
                          ReadCatalogEntry(*text, index_db, parameters.methods()));
  const IndexContent& content = entry.content;
  if (content.dataset_name != dataset.name() || content.parameters.Key() != key) {
    return Damaged(index_db, StrCat("the catalog entry of ", key, " of ", dataset.name(),
                                    " describes another index"));
  }
  if (content.dataset_digest != dataset.digest()) {
    return FailedPrecondition("item index store: ", index_db, ": index ", key, " of ",
                              dataset.name(), " was built from other data: expected digest ",
                              dataset.digest(), ", got ", content.dataset_digest,
                              "; run `openp5 index build` again");
  }
  return entry;
}

}  // namespace

absl::Status CheckMaySaveItemIndex(const std::string& index_db) {
  const auto store = storage::OpenRocksDb(index_db, OpenMode::kReadOnly);
  if (absl::IsFailedPrecondition(store.status())) {
    return UsageError(ToStd(store.status().message()));
  }
  // Whatever else is wrong shows when it is opened for writing.
  if (!store.ok()) return absl::OkStatus();
  bool is_foreign = false;
  const auto look = [&](std::string_view key, std::string_view) {
    is_foreign = !key.starts_with(kCatalog);  // the least key of ours
    return absl::CancelledError("");
  };
  (*store)->Scan("", look).IgnoreError();
  if (!is_foreign) return absl::OkStatus();
  return UsageError(StrCat(index_db,
                           ": expected a store of item indexes, got a RocksDB folder with "
                           "something else"));
}

absl::Status SaveItemIndex(const std::string& index_db, const ItemIndex& index) {
  return Save(index_db, index, /*is_imported=*/false);
}

absl::Status SaveImportedItemIndex(const std::string& index_db, const ItemIndex& index) {
  return Save(index_db, index, /*is_imported=*/true);
}

absl::StatusOr<ItemIndex> LoadItemIndex(const std::string& index_db,
                                        const datasets::SequenceDataset& dataset,
                                        const IndexParameters& parameters) {
  OPENP5_ASSIGN_OR_RETURN(const auto store, OpenToRead(index_db));
  OPENP5_ASSIGN_OR_RETURN(CatalogEntry entry, FindEntry(*store, index_db, dataset, parameters));
  return ReadIndex(*store, std::move(entry), index_db);
}

absl::StatusOr<bool> IsImportedIndex(const std::string& index_db,
                                     const datasets::SequenceDataset& dataset,
                                     const IndexParameters& parameters) {
  OPENP5_ASSIGN_OR_RETURN(const auto store, OpenToRead(index_db));
  OPENP5_ASSIGN_OR_RETURN(const CatalogEntry entry,
                          FindEntry(*store, index_db, dataset, parameters));
  return entry.is_imported;
}

absl::StatusOr<std::vector<StoredIndex>> ListItemIndexes(const std::string& index_db,
                                                         const Registry<IndexMethod>& methods) {
  OPENP5_ASSIGN_OR_RETURN(const auto store, OpenToRead(index_db));
  std::vector<StoredIndex> indexes;
  OPENP5_RETURN_IF_ERROR(store->Scan(kCatalog, [&](std::string_view, std::string_view value) {
    OPENP5_ASSIGN_OR_RETURN(CatalogEntry entry, ReadCatalogEntry(value, index_db, methods));
    indexes.push_back({entry.content.dataset_name, entry.content.parameters.Key(),
                       entry.content.dataset_digest, entry.items});
    return absl::OkStatus();
  }));
  return indexes;
}

}  // namespace openp5::indexing

#ifndef OPENP5_INDEXING_ITEM_INDEX_H_
#define OPENP5_INDEXING_ITEM_INDEX_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/sequences.h"
#include "indexing/index_methods.h"
#include "indexing/index_parameters.h"
#include "platform/base/status.h"

namespace openp5::indexing {

// What an index holds.
struct IndexContent {
  IndexParameters parameters = {};
  std::string dataset_name = {};
  std::string dataset_digest = {};  // SHA-256 of the user_sequence.txt it was built from
  // SHA-256 of every other file it was built from, by what the file holds, e.g. "vectors".
  std::map<std::string, std::string> inputs = {};
  // Parallel lists: raw item id, and what follows `item_` in prompts ("1001", "<CI3><CI8>"). In the
  // order items got their identifiers (the order of exported files).
  std::vector<std::string> item_ids = {}, identifiers = {};
  // Parallel lists: raw user id and number text ("1"), in file order.
  std::vector<std::string> user_ids = {}, user_numbers = {};
};

// Identifiers of one dataset's items and numbers of its users. Immutable once made, thread-safe.
class ItemIndex {
 public:
  // InvalidArgument if two items share an identifier or one is empty (the message names the raw
  // ids), or if the sizes do not match.
  static absl::StatusOr<ItemIndex> Create(IndexContent content);

  const IndexParameters& parameters() const { return content_.parameters; }
  const std::string& dataset_name() const { return content_.dataset_name; }
  const std::string& dataset_digest() const { return content_.dataset_digest; }
  const std::map<std::string, std::string>& inputs() const { return content_.inputs; }
  const std::vector<std::string>& item_ids() const { return content_.item_ids; }
  const std::vector<std::string>& identifiers() const { return content_.identifiers; }
  const std::vector<std::string>& user_ids() const { return content_.user_ids; }
  const std::vector<std::string>& user_numbers() const { return content_.user_numbers; }

  // SHA-256 over items, identifiers, users, numbers and inputs: equal digests mean equal prompts
  // and tries, and that both were built from the same vectors.
  std::string Digest() const;

  // Tokens such as "<CI3>" that identifiers are made of, in order of first appearance; empty for
  // numeric identifiers. These are added to the tokenizer in this order.
  std::vector<std::string> AddedTokens() const;

  // Identifiers by item number of `dataset`. FailedPrecondition naming the first item without an
  // identifier (its raw id), with the hint to rebuild the index.
  absl::StatusOr<std::vector<std::string>> IdentifiersFor(
      const datasets::SequenceDataset& dataset) const;
  // Numbers by user of `dataset`; likewise.
  absl::StatusOr<std::vector<std::string>> UserNumbersFor(
      const datasets::SequenceDataset& dataset) const;

 private:
  explicit ItemIndex(IndexContent content) : content_(std::move(content)) {}

  IndexContent content_;
};

// Self-contained file of one index a dataset (`items.index` of a checkpoint; format in
// indexing/FORMAT.md) and back. Reading: DataLoss, naming the offset, for a damaged file or a newer
// version, and for an index of a method that `methods` has not; sizes are checked before anything
// is allocated. `methods` must outlive the indexes.
absl::Status WriteItemIndexFile(const std::string& path, const std::vector<ItemIndex>& indexes);
absl::StatusOr<std::vector<ItemIndex>> ReadItemIndexFile(
    const std::string& path, const Registry<IndexMethod>& methods = BuiltinMethods());

// Builds the index of `dataset` as `parameters` say. InvalidArgument for parameters that make no
// sense (more clusters than token_size); the same result whatever the thread count.
absl::StatusOr<ItemIndex> BuildItemIndex(const datasets::SequenceDataset& dataset,
                                         const IndexParameters& parameters);

// OpenP5's text files: items `raw_id identifier`, users `raw_id number`, a line each. NotFound,
// or InvalidArgument naming file and line (wrong column count, unknown or missing item or user).
absl::StatusOr<ItemIndex> ImportOpenP5Index(const datasets::SequenceDataset& dataset,
                                            const IndexParameters& parameters,
                                            const std::string& items_file,
                                            const std::string& users_file);

// A store of many indexes in a RocksDB folder: key = dataset name + parameters' key.
// Saving replaces an index of the same key in one step. Loading: NotFound lists the indexes the
// store has for that dataset; FailedPrecondition if the index was built from other data than
// `dataset` (both digests, hint to rebuild).
absl::Status SaveItemIndex(const std::string& index_db, const ItemIndex& index);
absl::StatusOr<ItemIndex> LoadItemIndex(const std::string& index_db,
                                        const datasets::SequenceDataset& dataset,
                                        const IndexParameters& parameters);
struct StoredIndex {
  std::string dataset_name, key, dataset_digest;
  int64_t item_count = 0;
};
absl::StatusOr<std::vector<StoredIndex>> ListItemIndexes(
    const std::string& index_db, const Registry<IndexMethod>& methods = BuiltinMethods());

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_ITEM_INDEX_H_

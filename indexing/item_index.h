#ifndef OPENP5_INDEXING_ITEM_INDEX_H_
#define OPENP5_INDEXING_ITEM_INDEX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/sequences.h"
#include "indexing/index_parameters.h"
#include "platform/base/status.h"

namespace openp5::indexing {

// Identifiers of one dataset's items and numbers of its users. Immutable once made, thread-safe.
class ItemIndex {
 public:
  // InvalidArgument if two items share an identifier or one is empty (the message names the raw
  // ids), or if the sizes do not match.
  static absl::StatusOr<ItemIndex> Create(IndexParameters parameters, std::string dataset_name,
                                          std::string dataset_digest,
                                          std::vector<std::string> item_ids,
                                          std::vector<std::string> identifiers,
                                          std::vector<std::string> user_ids,
                                          std::vector<std::string> user_numbers);

  const IndexParameters& parameters() const { return parameters_; }
  const std::string& dataset_name() const { return dataset_name_; }
  // Of the user_sequence.txt it was built from.
  const std::string& dataset_digest() const { return dataset_digest_; }
  // Parallel lists: raw item id, and what follows `item_` in prompts ("1001", "<CI3><CI8>"). In the
  // order items got their identifiers (the order of exported files).
  const std::vector<std::string>& item_ids() const { return item_ids_; }
  const std::vector<std::string>& identifiers() const { return identifiers_; }
  // Parallel lists: raw user id and number text ("1"), in file order.
  const std::vector<std::string>& user_ids() const { return user_ids_; }
  const std::vector<std::string>& user_numbers() const { return user_numbers_; }

  // SHA-256 over items, identifiers, users and numbers: equal digests mean equal prompts and tries.
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
  IndexParameters parameters_;
  std::string dataset_name_, dataset_digest_;
  std::vector<std::string> item_ids_, identifiers_, user_ids_, user_numbers_;
};

// Self-contained file of one index a dataset (`items.index` of a checkpoint; format in
// indexing/FORMAT.md) and back. Reading: DataLoss, naming the offset, for a damaged file or a newer
// version; sizes are checked before anything is allocated.
absl::Status WriteItemIndexFile(const std::string& path, const std::vector<ItemIndex>& indexes);
absl::StatusOr<std::vector<ItemIndex>> ReadItemIndexFile(const std::string& path);

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
absl::StatusOr<std::vector<StoredIndex>> ListItemIndexes(const std::string& index_db);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_ITEM_INDEX_H_

#ifndef OPENP5_INDEXING_INDEXED_DATASET_H_
#define OPENP5_INDEXING_INDEXED_DATASET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "datasets/samples.h"
#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"

namespace openp5::indexing {

// A dataset together with the identifiers its items have in prompts. Immutable, thread-safe.
class IndexedDataset {
 public:
  // FailedPrecondition if an item or a user of `dataset` has no identifier (see ItemIndex).
  static absl::StatusOr<std::unique_ptr<IndexedDataset>> Create(datasets::SequenceDataset dataset,
                                                                indexing::ItemIndex index,
                                                                datasets::HistoryOptions history);
  IndexedDataset(const IndexedDataset&) = delete;
  IndexedDataset& operator=(const IndexedDataset&) = delete;

  const datasets::SequenceDataset& dataset() const { return dataset_; }
  const indexing::ItemIndex& index() const { return index_; }
  const datasets::HistoryOptions& history() const { return history_; }
  const datasets::SampleWriter& writer() const { return writer_; }
  const std::string& name() const { return dataset_.name(); }
  // What stands after `user_`, by user.
  const std::vector<std::string>& user_numbers() const { return user_numbers_; }

 private:
  IndexedDataset(datasets::SequenceDataset dataset, indexing::ItemIndex index,
                 datasets::HistoryOptions history, std::vector<std::string> identifiers,
                 std::vector<std::string> user_numbers);

  const datasets::SequenceDataset dataset_;
  const indexing::ItemIndex index_;
  const datasets::HistoryOptions history_;
  const std::vector<std::string> identifiers_, user_numbers_;
  const datasets::SampleWriter writer_;  // refers to the members above
};

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEXED_DATASET_H_

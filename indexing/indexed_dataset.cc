#include "indexing/indexed_dataset.h"

#include <utility>

namespace openp5::indexing {
absl::StatusOr<std::unique_ptr<IndexedDataset>> IndexedDataset::Create(
    datasets::SequenceDataset dataset, indexing::ItemIndex index,
    datasets::HistoryOptions history) {
  OPENP5_ASSIGN_OR_RETURN(auto identifiers, index.IdentifiersFor(dataset));
  OPENP5_ASSIGN_OR_RETURN(auto user_numbers, index.UserNumbersFor(dataset));
  return std::unique_ptr<IndexedDataset>(
      new IndexedDataset(std::move(dataset), std::move(index), std::move(history),
                         std::move(identifiers), std::move(user_numbers)));
}

IndexedDataset::IndexedDataset(datasets::SequenceDataset dataset, indexing::ItemIndex index,
                               datasets::HistoryOptions history,
                               std::vector<std::string> identifiers,
                               std::vector<std::string> user_numbers)
    : dataset_(std::move(dataset)),
      index_(std::move(index)),
      history_(std::move(history)),
      identifiers_(std::move(identifiers)),
      user_numbers_(std::move(user_numbers)),
      writer_(dataset_, identifiers_, user_numbers_, history_) {}

}  // namespace openp5::indexing

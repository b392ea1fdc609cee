#include "evaluators/indexed_dataset.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

namespace openp5::evaluators {
namespace {

// The failure of two items whose sequences are equal, or OK.
absl::Status FindClash(const IndexedDataset& dataset,
                       std::span<const std::vector<int32_t>> sequences) {
  std::map<std::span<const int32_t>, int32_t,
           decltype([](std::span<const int32_t> a, std::span<const int32_t> b) {
             return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
           })>
      first;
  for (int32_t item = 0; item < dataset.dataset().item_count(); ++item) {
    const auto [other, fresh] = first.emplace(sequences[static_cast<size_t>(item)], item);
    if (fresh) continue;
    return InvalidArgument(dataset.name(), ": items '", dataset.dataset().ItemId(other->second),
                           "' and '", dataset.dataset().ItemId(item), "' have the same tokens ('",
                           dataset.writer().Candidate(other->second), "', '",
                           dataset.writer().Candidate(item),
                           "'); hint: a tokenizer that spells every digit");
  }
  return absl::OkStatus();
}

}  // namespace

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

absl::StatusOr<indexing::TokenTrie> CandidateTrie(const IndexedDataset& dataset,
                                                  const CandidateEncoder& encode) {
  std::vector<std::vector<int32_t>> sequences;
  sequences.reserve(static_cast<size_t>(dataset.dataset().item_count()));
  for (int32_t item = 0; item < dataset.dataset().item_count(); ++item) {
    sequences.push_back(encode(dataset.writer().Candidate(item)));
  }
  absl::StatusOr<indexing::TokenTrie> trie = indexing::TokenTrie::Create(sequences);
  // The tree knows items by number only.
  if (!trie.ok()) OPENP5_RETURN_IF_ERROR(FindClash(dataset, sequences));
  return trie;
}

}  // namespace openp5::evaluators

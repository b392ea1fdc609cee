#ifndef OPENP5_EVALUATORS_CANDIDATE_TRIE_H_
#define OPENP5_EVALUATORS_CANDIDATE_TRIE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "evaluators/indexed_dataset.h"
#include "indexing/token_trie.h"
#include "platform/base/status.h"

namespace openp5::evaluators {

// How a model spells candidates.
struct CandidateEncoder {
  // Tokens of `<dataset> item_<id>` with the end token.
  std::function<std::vector<int32_t>(const std::string& candidate)> encode;
  // Equal for encoders that give equal tokens; empty: not known. Asked for large trees only.
  std::function<std::string()> digest;
};

// The tree of what a model may generate for `dataset`: the tokens of every item. Cutting very many
// identifiers into tokens takes seconds, so the tree of `kept_items` items or more is kept in the
// dataset's folder, if that can be written to, and mapped from there the next time (see TokenTrie).
// InvalidArgument naming both raw item ids if two items get the same tokens (two identifiers that
// the tokenizer cannot tell apart).
absl::StatusOr<indexing::TokenTrie> CandidateTrie(const IndexedDataset& dataset,
                                                  const CandidateEncoder& encoder,
                                                  int32_t kept_items = 100'000);

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_CANDIDATE_TRIE_H_

#ifndef OPENP5_PLATFORM_PROMPTING_CANDIDATE_TRIE_H_
#define OPENP5_PLATFORM_PROMPTING_CANDIDATE_TRIE_H_

#include <cstdint>

#include "indexing/indexed_dataset.h"
#include "indexing/token_trie.h"
#include "platform/base/status.h"
#include "platform/prompting/prompt_encoder.h"

namespace openp5::prompting {

// The tree of what a model may generate for `dataset`: the tokens of every item,
// written in `form`. Cutting very many
// identifiers into tokens takes seconds, so the tree of `kept_items` items or more is kept in the
// dataset's folder, if that can be written to, and mapped from there the next time (see TokenTrie).
// InvalidArgument naming both raw item ids if two items get the same tokens (two identifiers that
// the tokenizer cannot tell apart).
absl::StatusOr<indexing::TokenTrie> CandidateTrie(const indexing::IndexedDataset& dataset,
                                                  datasets::CandidateForm form,
                                                  const PromptEncoder& encoder,
                                                  int32_t kept_items = 100'000);

}  // namespace openp5::prompting

#endif  // OPENP5_PLATFORM_PROMPTING_CANDIDATE_TRIE_H_

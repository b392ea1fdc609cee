#ifndef OPENP5_PLATFORM_RECOMMENDERS_CHECKPOINT_INDEX_H_
#define OPENP5_PLATFORM_RECOMMENDERS_CHECKPOINT_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"
#include "platform/text/tokenizer.h"

namespace openp5::recommenders {

// How the item index is asked for, and whether the caller says so at all.
struct IndexRequest {
  indexing::IndexParameters parameters;
  std::string index_db = {};
  bool parameters_given = false, index_db_given = false;
};

// The indexes of `datasets` from the store, in their order. Fails as LoadItemIndex.
absl::StatusOr<std::vector<indexing::ItemIndex>> LoadIndexes(
    const std::vector<datasets::SequenceDataset>& datasets, const IndexRequest& request);

// What a checkpoint is evaluated with.
struct ChosenIndexes {
  std::vector<indexing::ItemIndex> indexes;  // of the datasets, in that order
  // One sentence a dataset whose index is not the checkpoint's own.
  std::vector<std::string> mismatches;
};

// Chooses those of `datasets` among the checkpoint's `own` indexes. FailedPrecondition if there is
// none for a dataset, or if `request` asks for another one (other parameters, or a store that holds
// another digest): with `allow_mismatch` that one is taken instead, from the store.
absl::StatusOr<ChosenIndexes> ChooseIndexes(const std::string& checkpoint,
                                            const std::vector<indexing::ItemIndex>& own,
                                            const std::vector<datasets::SequenceDataset>& datasets,
                                            const IndexRequest& request, bool allow_mismatch);

// Warns, one line a dataset, if a model made elsewhere is given an index whose numbering OpenP5
// drew (collaborative, random) and that was not imported from OpenP5's files: as many tokens fit,
// but they stand for other items. Fails as LoadItemIndex.
absl::Status WarnOfBuiltIndexes(const std::string& where,
                                const std::vector<datasets::SequenceDataset>& datasets,
                                const IndexRequest& request);

// What becomes of a token that an index needs and the tokenizer has not.
enum class MissingTokens {
  kAdd,     // it gets the next id, in order of first appearance
  kRefuse,  // the same, unless the tokenizer has other tokens of that kind (`<CI3>` for `<CI7>`):
            // then the model was trained with a list of them, in which this one is not
};

// Gives the tokenizer the tokens of the indexes that it has not yet. FailedPrecondition, with
// `where` and the token, for one that is refused.
absl::Status CompleteTokenizer(const std::string& where,
                               const std::vector<indexing::ItemIndex>& indexes,
                               MissingTokens policy, text::Tokenizer* tokenizer);

struct EmbeddingRows {
  int64_t rows = 0;
  bool is_exact = false;  // as many as tokens; else more are fine, as published models have them
};

// FailedPrecondition if the embedding has fewer rows than the tokenizer with the indexes' tokens
// has ids, or other than exactly as many where it must. Rows that no token has are never
// generated.
absl::Status CheckEmbeddingRows(const std::string& where, const EmbeddingRows& embedding,
                                const text::Tokenizer& tokenizer);

// The same for indexes that were made from parameters given. Their tokens may have been numbered by
// the index, for want of a list: then rows that are just those of another of OpenP5's indexes fail,
// too. The message also says which of OpenP5's parameters would fit, which are found by building
// their indexes.
absl::Status CheckIndexFits(const std::string& where, const EmbeddingRows& embedding,
                            const text::Tokenizer& tokenizer,
                            const std::vector<datasets::SequenceDataset>& datasets,
                            const IndexRequest& request);

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_CHECKPOINT_INDEX_H_

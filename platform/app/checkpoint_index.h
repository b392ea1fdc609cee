#ifndef OPENP5_PLATFORM_APP_CHECKPOINT_INDEX_H_
#define OPENP5_PLATFORM_APP_CHECKPOINT_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "platform/app/data_options.h"
#include "platform/base/status.h"
#include "platform/config/command_line.h"
#include "platform/text/tokenizer.h"

namespace openp5::app {

// How the item index is asked for, and whether the command line says so at all.
struct IndexRequest {
  indexing::IndexParameters parameters;
  std::string index_db = {};
  bool parameters_given = false, index_db_given = false;

  // From options that `line` has parsed.
  static IndexRequest From(const CommandLine& line, const indexing::IndexParameters& parameters,
                           const DataOptions& data);
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

// Of the checkpoint's `own` indexes those of `datasets`. FailedPrecondition if there is none for a
// dataset, or if `request` asks for another one (other parameters, or a store that holds another
// digest): with `allow_mismatch` that one is taken instead, from the store.
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

// Gives the tokenizer the tokens of the indexes that it has not yet, in order of first appearance.
absl::Status CompleteTokenizer(const std::vector<indexing::ItemIndex>& indexes,
                               text::Tokenizer* tokenizer);

struct EmbeddingRows {
  int64_t rows = 0;
  bool is_exact = false;  // as many as tokens; else they may be rounded up, as published models do
};

// FailedPrecondition if the embedding does not fit the tokenizer with the indexes' tokens.
absl::Status CheckEmbeddingRows(const std::string& where, const EmbeddingRows& embedding,
                                const text::Tokenizer& tokenizer);

// The same for indexes that were made from parameters given: the message also says which of
// OpenP5's parameters would fit, which are found by building their indexes.
absl::Status CheckIndexFits(const std::string& where, const EmbeddingRows& embedding,
                            const text::Tokenizer& tokenizer,
                            const std::vector<datasets::SequenceDataset>& datasets,
                            const IndexRequest& request);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_CHECKPOINT_INDEX_H_

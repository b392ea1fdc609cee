#ifndef OPENP5_INDEXING_OPENP5_FILES_H_
#define OPENP5_INDEXING_OPENP5_FILES_H_

#include <string>

#include "datasets/sequences.h"
#include "indexing/item_index.h"
#include "platform/base/status.h"

namespace openp5::indexing {

// Contents of OpenP5's text files, each line ended. Their counterpart is ImportOpenP5Index.

// The name OpenP5 gives an items file: `item_sequential_indexing_original.txt`,
// `item_collaborative_indexing_500_20_sequential.txt`, `item_random_indexing.txt`.
std::string OpenP5ItemsFileName(IndexParameters parameters);

// item_*_indexing*.txt: `raw_id identifier`.
std::string OpenP5ItemsText(const ItemIndex& index);
// user_indexing.txt: `raw_id number`.
std::string OpenP5UsersText(const ItemIndex& index);
// user_sequence_*_indexing*.txt: `number identifier identifier …`. Fails where an item or user of
// `dataset` is not in the index.
absl::StatusOr<std::string> OpenP5SequencesText(const ItemIndex& index,
                                                const datasets::SequenceDataset& dataset);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_OPENP5_FILES_H_

#ifndef OPENP5_INDEXING_INDEX_ORIGIN_H_
#define OPENP5_INDEXING_INDEX_ORIGIN_H_

#include <string>

#include "indexing/item_index.h"
#include "platform/base/status.h"

namespace openp5::indexing {

// A store remembers whether an index was read from OpenP5's files: OpenP5's own numbering of
// collaborative and random identifiers cannot be rebuilt, so a model that was trained with it needs
// such an index.

// Does what SaveItemIndex does, for an index of ImportOpenP5Index.
absl::Status SaveImportedItemIndex(const std::string& index_db, const ItemIndex& index);

// True if the stored index was imported. False if it was built here, or if an older version stored
// it, which did not say. Fails as LoadItemIndex.
absl::StatusOr<bool> IsImportedIndex(const std::string& index_db,
                                     const datasets::SequenceDataset& dataset,
                                     const IndexParameters& parameters);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEX_ORIGIN_H_

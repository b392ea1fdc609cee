#ifndef OPENP5_INDEXING_ITEM_INDEX_STORE_H_
#define OPENP5_INDEXING_ITEM_INDEX_STORE_H_

#include <string>

#include "platform/base/status.h"

namespace openp5::indexing {

// Returns a usage error if something else than a store of item indexes, or an empty folder, is at
// `index_db`. Commands ask this before the long work whose result SaveItemIndex then stores.
absl::Status CheckMaySaveItemIndex(const std::string& index_db);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_ITEM_INDEX_STORE_H_

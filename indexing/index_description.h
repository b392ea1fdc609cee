#ifndef OPENP5_INDEXING_INDEX_DESCRIPTION_H_
#define OPENP5_INDEXING_INDEX_DESCRIPTION_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "indexing/item_index.h"

namespace openp5::indexing {

// What is said of an index: dataset, parameters, counts, lengths of identifiers, the first three
// items as examples, and digests.
nlohmann::json Describe(const ItemIndex& index);

// The same for people, in some lines.
std::string DescriptionText(const nlohmann::json& described);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEX_DESCRIPTION_H_

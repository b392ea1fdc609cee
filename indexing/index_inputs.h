#ifndef OPENP5_INDEXING_INDEX_INPUTS_H_
#define OPENP5_INDEXING_INDEX_INPUTS_H_

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "platform/base/status.h"

namespace openp5::indexing {

// The digests of what an index was built from besides its dataset (ItemIndex::inputs), as the
// member "inputs" of a JSON object. There is none where there are no inputs.
void WriteInputs(const std::map<std::string, std::string>& inputs, nlohmann::json* json);
// DataLoss for a member of another form.
absl::Status ReadInputs(const nlohmann::json& json, std::map<std::string, std::string>* inputs);

}  // namespace openp5::indexing

#endif  // OPENP5_INDEXING_INDEX_INPUTS_H_

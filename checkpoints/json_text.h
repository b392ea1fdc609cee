#ifndef OPENP5_CHECKPOINTS_JSON_TEXT_H_
#define OPENP5_CHECKPOINTS_JSON_TEXT_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5::checkpoints {

// Parses JSON from a file that may be damaged or hostile. DataLoss naming `where` and the byte for
// malformed text, for an object with the same name twice (readers disagree on which one counts) and
// for objects or lists nested deeper than `maximum_depth`.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text, std::string_view where,
                                         int maximum_depth = 64);

// The whole file, which must be one JSON object. NotFound without the file, else as ParseJson.
absl::StatusOr<nlohmann::json> ReadJsonObject(const std::string& path);

// Writes `json` with an indent of 2 and a line feed at the end. InvalidArgument if a string in it
// is not UTF-8; else as WriteFileAtomic.
absl::Status WriteJson(const std::string& path, const nlohmann::json& json);

// True and sets `value` if `json` is an integer of at least 0 that fits.
bool ReadCount(const nlohmann::json& json, int64_t* value);

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_JSON_TEXT_H_

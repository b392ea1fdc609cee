#ifndef OPENP5_PLATFORM_BASE_JSON_H_
#define OPENP5_PLATFORM_BASE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5 {

// The one reader and the one writer of JSON. Every text may be damaged or hostile.
//
// A text is refused that is malformed, not UTF-8, nested too deep, or holds a number beyond a
// double's range or an object with the same name twice (readers disagree on which one counts).
// Time and memory grow with the size of the text: objects and lists that are too deep are not
// built, and names are compared by hash or order.

inline constexpr int kMaximumJsonDepth = 64;

// Why a text is refused.
struct JsonFault {
  enum class Kind { kNone, kSyntax, kNumberRange, kTooDeep, kNameTwice };
  Kind kind = Kind::kNone;
  size_t byte = 0;   // where the reader stopped, counted from 1
  std::string name;  // kNameTwice: the name
};

// Reads `text` into `value`, which is unspecified if the result's kind is not kNone. `Json` is
// nlohmann::json or nlohmann::ordered_json. Callers with words of their own for a fault use this,
// all others ParseJson.
template <class Json>
JsonFault BuildJson(std::string_view text, int maximum_depth, Json* value);

// DataLoss with `where`, ": ", what was expected, and the byte. An empty `where` and its colon are
// left out, for callers that annotate the status.
template <class Json = nlohmann::json>
absl::StatusOr<Json> ParseJson(std::string_view text, std::string_view where,
                               int maximum_depth = kMaximumJsonDepth);

// The whole file, which must be one JSON object of at most 256 MiB. NotFound without the file, else
// as ParseJson.
template <class Json = nlohmann::json>
absl::StatusOr<Json> ReadJsonObject(const std::string& path);

// The value as text: in one line, or with `indent` blanks a level. Bytes that are not UTF-8 become
// U+FFFD. For values that were read here or made by the program, so that the depth is bounded.
template <class Json>
std::string DumpJson(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

// A value for a message: in one line, in ASCII, cut after 100 bytes. Takes time and memory for what
// is shown only, however large or deep the value is.
std::string JsonExcerpt(const nlohmann::json& value);

// Writes `json` with an indent of 2 and a line feed at the end. InvalidArgument if a string in it
// is not UTF-8; else as WriteFileAtomic.
absl::Status WriteJson(const std::string& path, const nlohmann::json& json);

// True and sets `value` if `json` is an integer of at least 0 that fits.
bool ReadCount(const nlohmann::json& json, int64_t* value);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_JSON_H_

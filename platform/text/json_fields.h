#ifndef OPENP5_PLATFORM_TEXT_JSON_FIELDS_H_
#define OPENP5_PLATFORM_TEXT_JSON_FIELDS_H_

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "platform/base/status.h"
#include "platform/text/added_token.h"

namespace openp5::text {

// Reading the fields of Hugging Face's tokenizer files. Private to this unit.

// A value as it can stand in one line of a message: a step by its type.
std::string Shown(const nlohmann::json& value);

// The field, null if there is none.
const nlohmann::json& Field(const nlohmann::json& object, const char* name);

// InvalidArgument: `where: expected …, got …`.
absl::Status Refuse(std::string_view where, std::string_view expected, const nlohmann::json& got);

// InvalidArgument unless every field of `object` is one of `known`: a newer version's setting may
// change ids.
absl::Status OnlyKnown(const nlohmann::json& object, std::string_view where,
                       std::initializer_list<std::string_view> known);

// Leaves `value` alone where there is no such field, or null.
absl::Status ReadBool(const nlohmann::json& object, const char* name, std::string_view where,
                      bool* value);
absl::Status ReadString(const nlohmann::json& object, const char* name, std::string_view where,
                        std::string* value);

bool ReadId(const nlohmann::json& value, int32_t* id);

// A token's content and flags; its id is the caller's to read.
absl::Status ReadAddedToken(const nlohmann::json& entry, std::string_view where, AddedToken* token);

}  // namespace openp5::text

#endif  // OPENP5_PLATFORM_TEXT_JSON_FIELDS_H_

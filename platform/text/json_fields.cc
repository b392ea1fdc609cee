#include "platform/text/json_fields.h"

#include <utility>

#include "platform/base/json.h"
#include "platform/base/log.h"

namespace openp5::text {

using nlohmann::json;

std::string Shown(const json& value) {
  constexpr size_t kMost = 120;
  const bool has_type = value.is_object() && value.contains("type") && value["type"].is_string();
  return has_type ? OneLine(value["type"].get_ref<const std::string&>().substr(0, kMost))
                  : JsonExcerpt(value);
}

const json& Field(const json& object, const char* name) {
  static const json* const kNull = new json();
  if (!object.is_object()) return *kNull;
  const auto found = object.find(name);
  return found == object.end() ? *kNull : *found;
}

absl::Status Refuse(std::string_view where, std::string_view expected, const json& got) {
  return InvalidArgument(where, ": expected ", expected, ", got ", Shown(got));
}

absl::Status OnlyKnown(const json& object, std::string_view where,
                       std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Refuse(where, "an object", object);
  for (const auto& [name, value] : object.items()) {
    bool found = false;
    for (const std::string_view other : known) found = found || name == other;
    if (!found) return InvalidArgument(where, ": '", OneLine(name.substr(0, 80)), "' is not known");
  }
  return absl::OkStatus();
}

absl::Status ReadBool(const json& object, const char* name, std::string_view where, bool* value) {
  const json& field = Field(object, name);
  if (field.is_null()) return absl::OkStatus();
  if (!field.is_boolean()) {
    return Refuse(StrCat(where, ": ", std::string_view(name)), "true or false", field);
  }
  *value = field.get<bool>();
  return absl::OkStatus();
}

bool ReadId(const json& value, int32_t* id) {
  if (!value.is_number_integer()) return false;
  const auto number = value.get<int64_t>();
  if (number < 0 || number > INT32_MAX) return false;
  *id = static_cast<int32_t>(number);
  return true;
}

absl::Status ReadString(const json& object, const char* name, std::string_view where,
                        std::string* value) {
  const json& field = Field(object, name);
  if (field.is_null()) return absl::OkStatus();
  if (!field.is_string()) return Refuse(StrCat(where, ": ", std::string_view(name)), "text", field);
  *value = field.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadAddedToken(const json& entry, std::string_view where, AddedToken* token) {
  OPENP5_RETURN_IF_ERROR(OnlyKnown(
      entry, where,
      {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", "__type"}));
  const json& content = Field(entry, "content");
  if (!content.is_string() || content.get_ref<const std::string&>().empty()) {
    return DataLoss(where, ": expected an id and a content, got ", Shown(entry));
  }
  token->content = content.get<std::string>();
  const std::string what = StrCat(where, ": '", OneLine(token->content), "'");
  const std::pair<const char*, bool*> flags[] = {{"special", &token->special},
                                                 {"lstrip", &token->lstrip},
                                                 {"rstrip", &token->rstrip},
                                                 {"single_word", &token->single_word},
                                                 {"normalized", &token->normalized}};
  for (const auto& [name, value] : flags) {
    OPENP5_RETURN_IF_ERROR(ReadBool(entry, name, what, value));
  }
  return absl::OkStatus();
}

}  // namespace openp5::text

#ifndef OPENP5_PLATFORM_MODELS_CONFIG_JSON_H_
#define OPENP5_PLATFORM_MODELS_CONFIG_JSON_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "platform/base/json.h"
#include "platform/base/status.h"

namespace openp5::models {

// Sets `value` to a field of Hugging Face's config.json; a field that is absent or null leaves it.
// InvalidArgument naming the field if it is of another type.
template <class T>
absl::Status ReadField(const nlohmann::json& json, const char* name, T* value) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return absl::OkStatus();
  if constexpr (std::is_same_v<T, bool>) {
    if (!found->is_boolean())
      return InvalidArgument("config.json: ", name, ": expected true or false, got ",
                             JsonExcerpt(*found));
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!found->is_string())
      return InvalidArgument("config.json: ", name, ": expected a string, got ",
                             JsonExcerpt(*found));
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!found->is_number())
      return InvalidArgument("config.json: ", name, ": expected a number, got ",
                             JsonExcerpt(*found));
  } else {
    if (!found->is_number_integer())
      return InvalidArgument("config.json: ", name, ": expected a whole number, got ",
                             JsonExcerpt(*found));
  }
  *value = found->get<T>();
  return absl::OkStatus();
}

// InvalidArgument naming the field unless it is from 1 to 2^24.
inline absl::Status CheckPositive(const char* name, int64_t value) {
  constexpr int64_t kLargest = 1 << 24;
  if (value > 0 && value <= kLargest) return absl::OkStatus();
  return InvalidArgument("config.json: ", name, ": expected a number from 1 to ", kLargest,
                         ", got ", value);
}

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_CONFIG_JSON_H_

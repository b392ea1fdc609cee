#ifndef OPENP5_PLATFORM_MODELS_COMMON_CONFIG_JSON_H_
#define OPENP5_PLATFORM_MODELS_COMMON_CONFIG_JSON_H_

#include <cstdint>
#include <initializer_list>
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

// InvalidArgument naming the field unless it is from 1 to `largest`.
inline absl::Status CheckPositive(const char* name, int64_t value, int64_t largest = 1 << 24) {
  if (value > 0 && value <= largest) return absl::OkStatus();
  return InvalidArgument("config.json: ", name, ": expected a number from 1 to ", largest, ", got ",
                         value);
}

// More layers than any model has; with sizes up to 2^24, counts of parameters stay within 63 bits.
inline constexpr int64_t kMostLayers = 1024;
// The largest epsilon of a norm that leaves the norm what it is.
inline constexpr double kLargestEpsilon = 0.01;

// InvalidArgument naming the field unless it is from `lowest` to `highest`; nor may it be NaN.
inline absl::Status CheckRange(const char* name, double value, double lowest, double highest) {
  if (value >= lowest && value <= highest) return absl::OkStatus();
  return InvalidArgument("config.json: ", name, ": expected a number from ", lowest, " to ",
                         highest, ", got ", value);
}

// Sets `id` to a token id, or to the first of several (Llama 3 ends a text with any of three).
inline absl::Status ReadTokenId(const nlohmann::json& json, const char* name, int64_t* id) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_array()) return ReadField(json, name, id);
  if (found->empty() || !found->front().is_number_integer()) {
    return InvalidArgument("config.json: ", name, ": expected token ids, got ",
                           JsonExcerpt(*found));
  }
  *id = found->front().get<int64_t>();
  return absl::OkStatus();
}

// InvalidArgument naming the first of the fields, which make another model, that is set at all: to
// something other than null, false, and what is empty.
inline absl::Status CheckUnset(const nlohmann::json& json,
                               std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null() || *found == false || found->empty()) continue;
    return InvalidArgument("config.json: ", name, ": expected none, got ", JsonExcerpt(*found),
                           "; such models are not supported");
  }
  return absl::OkStatus();
}

}  // namespace openp5::models

#endif  // OPENP5_PLATFORM_MODELS_COMMON_CONFIG_JSON_H_

#ifndef OPENP5_PLATFORM_CONFIG_OPTIONS_H_
#define OPENP5_PLATFORM_CONFIG_OPTIONS_H_

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5 {

// What is said of one option, once, for flags, config file, help, manifest and docs.
struct OptionInfo {
  std::string name = {};                  // kebab-case, without the leading "--"
  std::string help = {};                  // effect and unit
  std::vector<std::string> choices = {};  // for strings and lists of strings; empty: anything
  double minimum = std::numeric_limits<double>::lowest();  // for numbers, inclusive
  double maximum = std::numeric_limits<double>::max();
};

// An options struct lists its options in one member `void ForEach(OptionVisitor& visitor)`; each
// visitor then sees all of them in that order. The value at visiting time is the default.
// Lists are written comma separated.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void Visit(const OptionInfo& info, bool* value) = 0;
  virtual void Visit(const OptionInfo& info, int64_t* value) = 0;
  virtual void Visit(const OptionInfo& info, double* value) = 0;
  virtual void Visit(const OptionInfo& info, std::string* value) = 0;
  virtual void Visit(const OptionInfo& info, std::vector<std::string>* value) = 0;
};

// Writes every option into / reads every option from a JSON object under its name. Absent names
// keep their value; a value of the wrong type or outside its range is InvalidArgument with the
// name.
void OptionsToJson(void (*for_each)(void*, OptionVisitor&), void* options, nlohmann::json* json);
absl::Status OptionsFromJson(void (*for_each)(void*, OptionVisitor&), void* options,
                             const nlohmann::json& json);

template <class Options>
void ToJson(Options options, nlohmann::json* json) {
  OptionsToJson([](void* o, OptionVisitor& v) { static_cast<Options*>(o)->ForEach(v); }, &options,
                json);
}
template <class Options>
absl::Status FromJson(const nlohmann::json& json, Options* options) {
  return OptionsFromJson([](void* o, OptionVisitor& v) { static_cast<Options*>(o)->ForEach(v); },
                         options, json);
}

// Empty if `value` fits `info`, else what was expected.
std::string Violation(const OptionInfo& info, double value);
std::string Violation(const OptionInfo& info, const std::string& value);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_CONFIG_OPTIONS_H_

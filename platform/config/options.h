#ifndef OPENP5_PLATFORM_CONFIG_OPTIONS_H_
#define OPENP5_PLATFORM_CONFIG_OPTIONS_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/base/status.h"

namespace openp5 {

// What an option changes.
enum class Affects {
  kResult,       // weights, lists or numbers
  kSpeed,        // how fast they come, and on how many cores
  kMeasurement,  // what is measured, logged or kept beside them
  kPlace,        // where files are, and in what form things are printed
};

// What is said of one option, once, for flags, config file, help, manifest and docs.
struct OptionInfo {
  std::string name = {};                  // kebab-case, without the leading "--"
  std::string help = {};                  // effect and unit
  std::vector<std::string> choices = {};  // for texts and lists of texts; empty: anything
  double minimum = std::numeric_limits<double>::lowest();  // for numbers, inclusive
  double maximum = std::numeric_limits<double>::max();
  Affects affects = Affects::kResult;
};

// The value of an enumeration as a visitor sees it: one of OptionInfo::choices.
struct NamedValue {
  std::function<std::string()> get;
  std::function<void(const std::string& name)> set;
};

// The name that options and files have for a value of an enumeration. An enumeration from 0 without
// gaps that is an option has its names beside it:
//   constexpr auto EnumNames(Color) { return std::to_array<const char*>({"red", "green"}); }
template <class Enum>
std::string EnumName(Enum value) {
  return EnumNames(value)[static_cast<size_t>(value)];
}

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
  virtual void Visit(const OptionInfo& info, const NamedValue& value) = 0;

  // An enumeration, whose names are the choices where `info` has none of its own.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void Visit(OptionInfo info, Enum* value) {
    static constexpr auto kNames = EnumNames(Enum{});
    if (info.choices.empty()) info.choices.assign(kNames.begin(), kNames.end());
    const auto set = [value](const std::string& name) {
      *value = static_cast<Enum>(std::find(kNames.begin(), kNames.end(), name) - kNames.begin());
    };
    Visit(info, NamedValue{.get = [value] { return EnumName(*value); }, .set = set});
  }

  // The options that follow stand under this heading in a help text.
  virtual void Heading(const std::string& /*heading*/) {}
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

// What is said of all options of a struct, in their order; and their names.
std::vector<OptionInfo> OptionInfos(void (*for_each)(void*, OptionVisitor&), void* options);
template <class Options>
std::vector<OptionInfo> OptionInfos(Options options) {
  return OptionInfos([](void* o, OptionVisitor& v) { static_cast<Options*>(o)->ForEach(v); },
                     &options);
}
template <class Options>
std::vector<std::string> OptionNames(const Options& options) {
  std::vector<std::string> names;
  for (const OptionInfo& info : OptionInfos(options)) names.push_back(info.name);
  return names;
}

// The options of something that is chosen by name at run time, of which there are several kinds.
class OptionGroup {
 public:
  virtual ~OptionGroup() = default;
  virtual void ForEach(OptionVisitor& visitor) = 0;
  // A usage error for options that do not go together.
  virtual absl::Status Check() const { return absl::OkStatus(); }
  virtual std::unique_ptr<OptionGroup> Clone() const = 0;
};

// Options struct `Options` as a group; its member Check, if it has one, is the group's.
template <class Options>
class OptionGroupOf final : public OptionGroup {
 public:
  void ForEach(OptionVisitor& visitor) override {
    if constexpr (requires { value.ForEach(visitor); }) value.ForEach(visitor);
  }
  absl::Status Check() const override {
    if constexpr (requires { value.Check(); }) return value.Check();
    return absl::OkStatus();
  }
  std::unique_ptr<OptionGroup> Clone() const override {
    return std::make_unique<OptionGroupOf<Options>>(*this);
  }

  Options value;
};
// A group that is copied as a value.
class AnyOptions {
 public:
  explicit AnyOptions(std::unique_ptr<OptionGroup> group) : group_(std::move(group)) {}
  AnyOptions(const AnyOptions& other) : group_(other.group_->Clone()) {}
  AnyOptions(AnyOptions&&) = default;
  AnyOptions& operator=(AnyOptions other) {
    group_ = std::move(other.group_);
    return *this;
  }

  void ForEach(OptionVisitor& visitor) { group_->ForEach(visitor); }
  OptionGroup* get() { return group_.get(); }
  const OptionGroup& operator*() const { return *group_; }
  const OptionGroup* operator->() const { return group_.get(); }

 private:
  std::unique_ptr<OptionGroup> group_;
};
template <class Options>
std::unique_ptr<OptionGroup> MakeOptionGroup() {
  return std::make_unique<OptionGroupOf<Options>>();
}
// The struct inside of a group that MakeOptionGroup<Options> made.
template <class Options>
const Options& OptionsOf(const OptionGroup& group) {
  return static_cast<const OptionGroupOf<Options>&>(group).value;
}
// The options struct of something that has no options.
struct NoOptions {};

// Empty if `value` fits `info`, else what was expected.
std::string Violation(const OptionInfo& info, double value);
std::string Violation(const OptionInfo& info, const std::string& value);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_CONFIG_OPTIONS_H_

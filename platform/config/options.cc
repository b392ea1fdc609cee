#include "platform/config/options.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_join.h"
#include "platform/base/json.h"

namespace openp5 {
namespace {

class JsonWriter final : public OptionVisitor {
 public:
  explicit JsonWriter(nlohmann::json* json) : json_(*json) {}
  void Visit(const OptionInfo& info, bool* value) override { json_[info.name] = *value; }
  void Visit(const OptionInfo& info, int64_t* value) override { json_[info.name] = *value; }
  void Visit(const OptionInfo& info, double* value) override { json_[info.name] = *value; }
  void Visit(const OptionInfo& info, std::string* value) override { json_[info.name] = *value; }
  void Visit(const OptionInfo& info, std::vector<std::string>* value) override {
    json_[info.name] = *value;
  }
  void Visit(const OptionInfo& info, const NamedValue& value) override {
    json_[info.name] = value.get();
  }

 private:
  nlohmann::json& json_;
};

class InfoList final : public OptionVisitor {
 public:
  void Visit(const OptionInfo& info, bool*) override { infos.push_back(info); }
  void Visit(const OptionInfo& info, int64_t*) override { infos.push_back(info); }
  void Visit(const OptionInfo& info, double*) override { infos.push_back(info); }
  void Visit(const OptionInfo& info, std::string*) override { infos.push_back(info); }
  void Visit(const OptionInfo& info, std::vector<std::string>*) override { infos.push_back(info); }
  void Visit(const OptionInfo& info, const NamedValue&) override { infos.push_back(info); }

  std::vector<OptionInfo> infos;
};

class JsonReader final : public OptionVisitor {
 public:
  explicit JsonReader(const nlohmann::json& json) : json_(json) {}
  const absl::Status& status() const { return status_; }

  void Visit(const OptionInfo& info, bool* value) override {
    Read(info, "true or false", &nlohmann::json::is_boolean, value);
  }
  void Visit(const OptionInfo& info, int64_t* value) override {
    if (Read(info, "a whole number", &nlohmann::json::is_number_integer, value)) {
      Check(info, Violation(info, static_cast<double>(*value)));
    }
  }
  void Visit(const OptionInfo& info, double* value) override {
    if (Read(info, "a number", &nlohmann::json::is_number, value)) {
      Check(info, Violation(info, *value));
    }
  }
  void Visit(const OptionInfo& info, std::string* value) override {
    if (Read(info, "a string", &nlohmann::json::is_string, value)) {
      Check(info, Violation(info, *value));
    }
  }
  void Visit(const OptionInfo& info, const NamedValue& value) override {
    std::string name;
    if (!Read(info, "a string", &nlohmann::json::is_string, &name)) return;
    const std::string violation = Violation(info, name);
    Check(info, violation);
    if (violation.empty()) value.set(name);
  }
  void Visit(const OptionInfo& info, std::vector<std::string>* value) override {
    std::vector<std::string> read;
    const auto found = json_.find(info.name);
    if (found == json_.end()) return;
    for (const auto& element : *found) {
      if (!element.is_string()) return Check(info, "a list of strings");
      read.push_back(element.get<std::string>());
      Check(info, Violation(info, read.back()));
    }
    *value = std::move(read);
  }

 private:
  template <class T>
  bool Read(const OptionInfo& info, const char* expected,
            bool (nlohmann::json::*is_type)() const noexcept, T* value) {
    const auto found = json_.find(info.name);
    if (found == json_.end()) return false;
    if (!((*found).*is_type)()) {
      Check(info, expected);
      return false;
    }
    *value = found->get<T>();
    return true;
  }
  void Check(const OptionInfo& info, const std::string& expected) {
    if (expected.empty() || !status_.ok()) return;
    status_ = InvalidArgument(info.name, ": expected ", expected, ", got ",
                              JsonExcerpt(json_[info.name]));
  }

  const nlohmann::json& json_;
  absl::Status status_;
};

}  // namespace

std::vector<OptionInfo> OptionInfos(void (*for_each)(void*, OptionVisitor&), void* options) {
  InfoList list;
  for_each(options, list);
  return list.infos;
}

void OptionsToJson(void (*for_each)(void*, OptionVisitor&), void* options, nlohmann::json* json) {
  JsonWriter writer(json);
  for_each(options, writer);
}

absl::Status OptionsFromJson(void (*for_each)(void*, OptionVisitor&), void* options,
                             const nlohmann::json& json) {
  if (!json.is_object()) return InvalidArgument("options: expected a JSON object");
  JsonReader reader(json);
  for_each(options, reader);
  return reader.status();
}

std::string Violation(const OptionInfo& info, double value) {
  if (value >= info.minimum && value <= info.maximum) return "";
  if (info.maximum == std::numeric_limits<double>::max()) {
    return StrCat("a number of at least ", info.minimum);
  }
  return StrCat("a number from ", info.minimum, " to ", info.maximum);
}

std::string Violation(const OptionInfo& info, const std::string& value) {
  if (info.choices.empty()) return "";
  if (std::find(info.choices.begin(), info.choices.end(), value) != info.choices.end()) return "";
  return StrCat("one of ", absl::StrJoin(info.choices, ", "));
}

}  // namespace openp5

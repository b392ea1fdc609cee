#include "platform/base/json.h"

#include <limits>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "platform/base/file.h"

namespace openp5 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int64_t kLargestFile = int64_t{256} << 20;
constexpr size_t kShown = 100;  // bytes of a value in a message

// Builds a value from the parser's events. The parser keeps its own stack on the heap, so that
// nesting costs no stack here.
template <class Json>
class Builder final : public nlohmann::json_sax<Json> {
 public:
  using typename nlohmann::json_sax<Json>::number_integer_t;
  using typename nlohmann::json_sax<Json>::number_unsigned_t;
  using typename nlohmann::json_sax<Json>::number_float_t;
  using typename nlohmann::json_sax<Json>::string_t;
  using typename nlohmann::json_sax<Json>::binary_t;

  Builder(int maximum_depth, Json* root) : maximum_depth_(maximum_depth), root_(root) {}
  const JsonFault& fault() const { return fault_; }

  bool null() override { return Add(nullptr) != nullptr; }
  bool boolean(bool value) override { return Add(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return Add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return Add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override {
    return Add(value) != nullptr;
  }
  bool string(string_t& value) override { return Add(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }  // no part of a text

  bool start_object(size_t) override { return Open(Json::object()); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    Container& container = open_.back();
    auto& members = container.value->template get_ref<typename Json::object_t&>();
    bool is_new = false;
    if constexpr (std::is_same_v<Json, ordered_json>) {
      // Its own emplace looks at every member for the name.
      is_new = container.names.insert(name).second;
      if (is_new) {
        using Members = typename Json::object_t::Container;
        container.member = &static_cast<Members&>(members).emplace_back(name, Json()).second;
      }
    } else {
      const auto [place, inserted] = members.emplace(name, Json());
      is_new = inserted;
      container.member = &place->second;
    }
    if (is_new) return true;
    fault_ = {.kind = JsonFault::Kind::kNameTwice, .name = std::move(name)};
    return false;
  }

  bool parse_error(size_t byte, const std::string&,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;
    fault_ = {.kind = error.id == kNumberOverflow ? JsonFault::Kind::kNumberRange
                                                  : JsonFault::Kind::kSyntax,
              .byte = byte,
              .name = {}};
    return false;
  }

 private:
  struct Container {
    Json* value;
    Json* member = nullptr;                 // of an object: what the latest name stands for
    std::unordered_set<std::string> names;  // of an ordered object
  };

  // Puts a value where the text has it. Never null, so that callers can go on with "!= nullptr".
  template <class Value>
  Json* Add(Value&& value) {
    if (open_.empty()) {
      *root_ = Json(std::forward<Value>(value));
      return root_;
    }
    Container& container = open_.back();
    if (container.value->is_array()) {
      auto& list = container.value->template get_ref<typename Json::array_t&>();
      return &list.emplace_back(std::forward<Value>(value));
    }
    *container.member = Json(std::forward<Value>(value));
    return container.member;
  }

  bool Open(Json empty) {
    if (open_.size() == static_cast<size_t>(maximum_depth_)) {
      fault_.kind = JsonFault::Kind::kTooDeep;
      return false;
    }
    open_.push_back({.value = Add(std::move(empty)), .names = {}});
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  const int maximum_depth_;
  Json* const root_;
  std::vector<Container> open_;
  JsonFault fault_;
};

// Appends `value` as text of at most about `most` bytes, piece by piece and no further than that.
void AppendExcerpt(const json& value, size_t most, std::string* text) {
  if (text->size() >= most) return;
  const auto append_string = [&](std::string_view string) {
    *text += json(string.substr(0, most)).dump(-1, ' ', true, json::error_handler_t::replace);
  };
  if (value.is_string()) return append_string(value.get_ref<const std::string&>());
  if (!value.is_structured()) {
    *text += value.dump();
    return;
  }
  *text += value.is_array() ? '[' : '{';
  bool first = true;
  for (auto member = value.begin(); member != value.end() && text->size() < most; ++member) {
    if (!std::exchange(first, false)) *text += ',';
    if (value.is_object()) {
      append_string(member.key());
      *text += ':';
    }
    AppendExcerpt(*member, most, text);
  }
  *text += value.is_array() ? ']' : '}';
}

// What a message says was expected, and what came instead.
std::string Describe(const JsonFault& fault, int maximum_depth) {
  switch (fault.kind) {
    case JsonFault::Kind::kTooDeep:
      return StrCat("expected JSON nested at most ", maximum_depth, " deep, got deeper");
    case JsonFault::Kind::kNameTwice:
      return StrCat("expected every JSON name once, got '",
                    absl::Utf8SafeCEscape(fault.name.substr(0, kShown)), "' twice");
    case JsonFault::Kind::kNumberRange:
      return StrCat("expected JSON with numbers in a double's range, got a larger one at byte ",
                    fault.byte);
    default:
      return StrCat("expected JSON, got a syntax error at byte ", fault.byte);
  }
}

}  // namespace

template <class Json>
JsonFault BuildJson(std::string_view text, int maximum_depth, Json* value) {
  Builder<Json> builder(maximum_depth, value);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.fault();
}

template <class Json>
absl::StatusOr<Json> ParseJson(std::string_view text, std::string_view where, int maximum_depth) {
  Json value;
  const JsonFault fault = BuildJson(text, maximum_depth, &value);
  if (fault.kind == JsonFault::Kind::kNone) return value;
  return DataLoss(where, where.empty() ? "" : ": ", Describe(fault, maximum_depth));
}

template <class Json>
absl::StatusOr<Json> ReadJsonObject(const std::string& path) {
  if (FileSize(path) > kLargestFile) {
    return DataLoss(path, ": expected at most ", kLargestFile, " bytes of JSON, got ",
                    FileSize(path));
  }
  OPENP5_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  OPENP5_ASSIGN_OR_RETURN(Json value, ParseJson<Json>(text, path));
  if (!value.is_object()) {
    return DataLoss(path, ": expected a JSON object, got ", std::string_view(value.type_name()));
  }
  return value;
}

template JsonFault BuildJson(std::string_view, int, json*);
template JsonFault BuildJson(std::string_view, int, ordered_json*);
template absl::StatusOr<json> ParseJson(std::string_view, std::string_view, int);
template absl::StatusOr<ordered_json> ParseJson(std::string_view, std::string_view, int);
template absl::StatusOr<json> ReadJsonObject(const std::string&);
template absl::StatusOr<ordered_json> ReadJsonObject(const std::string&);

std::string JsonExcerpt(const json& value) {
  std::string text;
  AppendExcerpt(value, kShown + 1, &text);
  return text.size() > kShown ? text.substr(0, kShown) + "..." : text;
}

absl::Status WriteJson(const std::string& path, const json& json) {
  try {
    return WriteFileAtomic(path, json.dump(2) + "\n");
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgument(path, ": ", std::string_view(error.what()));
  }
}

bool ReadCount(const json& json, int64_t* value) {
  if (!json.is_number_unsigned()) return false;
  const uint64_t number = json.get<uint64_t>();
  if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return false;
  *value = static_cast<int64_t>(number);
  return true;
}

}  // namespace openp5

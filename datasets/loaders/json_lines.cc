#include "datasets/loaders/json_lines.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "absl/strings/str_join.h"
#include "datasets/loaders/python_literal.h"
#include "platform/base/json.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

using Json = nlohmann::json;

constexpr double kMostExact = 9007199254740992.0;  // 2^53: beyond it a double is not exact

absl::StatusOr<Json> ParseLine(std::string_view line, const TextLines& lines) {
  Json json;
  const JsonFault fault = BuildJson(line, kMaximumJsonDepth, &json);
  const size_t column = std::max<size_t>(fault.byte, 1);
  std::string expected;
  switch (fault.kind) {
    case JsonFault::Kind::kNone:
      return json;
    case JsonFault::Kind::kSyntax:
      return InvalidArgument(lines.Where(), ": column ", column, ": expected JSON, got '",
                             Excerpt(line.substr(std::min(column - 1, line.size()))), "'",
                             lines.ended() ? "" : "; is the file cut off?");
    case JsonFault::Kind::kTooDeep:
      expected = StrCat("at most ", kMaximumJsonDepth, " levels");
      break;
    case JsonFault::Kind::kNameTwice:
      expected = StrCat("key '", Excerpt(fault.name), "' once");
      break;
    case JsonFault::Kind::kNumberRange:
      expected = "numbers within a double's range";
      break;
  }
  return InvalidArgument(lines.Where(), ": expected ", expected, ", got '", Excerpt(line), "'");
}

struct Other {
  std::string_view type;  // what messages call it
};
using Value = std::variant<std::monostate, std::string, int64_t, double, Other>;

// The place after the JSON value that begins at `at`. `line` is JSON throughout.
size_t EndOfValue(std::string_view line, size_t at) {
  int depth = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"') {
      while (line[++at] != '"') at += line[at] == '\\' ? 1 : 0;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth < 0) return at;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return at;
}

// How the number `name` of the object on `line`, which must be JSON, is written; "" if there is
// none.
std::string_view NumberText(std::string_view line, std::string_view name) {
  size_t at = line.find('{');
  while (at < line.size()) {
    const size_t key = line.find('"', at);
    if (key == std::string_view::npos) break;
    size_t end = key + 1;
    bool is_escaped = false;
    for (; line[end] != '"'; ++end) {
      if (line[end] != '\\') continue;
      is_escaped = true;
      ++end;
    }
    const std::string_view quoted = line.substr(key, end + 1 - key);
    const size_t value = line.find_first_not_of(" \t", line.find(':', end) + 1);
    at = EndOfValue(line, value);
    const bool is_it = is_escaped ? Json::parse(quoted).get<std::string>() == name
                                  : quoted.substr(1, quoted.size() - 2) == name;
    if (is_it) return Trim(line.substr(value, at - value));
  }
  return "";
}

bool IsWholeNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Value ValueOf(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX) return json.get<double>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_null()) return std::monostate();
  return Other{json.is_array() ? "a list" : json.is_object() ? "an object" : "true or false"};
}

Value ValueOf(const simdjson::dom::element& element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case element_type::INT64:
      return element.get_int64().value_unsafe();
    case element_type::UINT64:
      return static_cast<double>(element.get_uint64().value_unsafe());
    case element_type::DOUBLE:
      return element.get_double().value_unsafe();
    case element_type::NULL_VALUE:
      return std::monostate();
    case element_type::ARRAY:
      return Other{"a list"};
    case element_type::OBJECT:
      return Other{"an object"};
    default:
      return Other{"true or false"};
  }
}

std::string_view TypeOf(const Value& value) {
  if (const Other* other = std::get_if<Other>(&value)) return other->type;
  if (std::holds_alternative<std::string>(value)) return "a text";
  return std::holds_alternative<std::monostate>(value) ? "nothing" : "a number";
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseObjectLine(std::string_view line, const TextLines& lines) {
  absl::StatusOr<Json> json = ParseLine(line, lines);
  if (!json.ok()) {
    const size_t inside = line.find_first_not_of(" \t", line.find('{') + 1);
    const bool is_literal = inside != std::string_view::npos && line[inside] == '\'';
    if (const size_t place = FindInvalidUtf8(line);
        !is_literal && place != std::string_view::npos) {
      return InvalidArgument(lines.Where(), ": column ", place + 1, ": expected UTF-8, got '",
                             Excerpt(line.substr(place)), "'");
    }
    absl::StatusOr<Json> literal = ParsePythonLiteral(line);
    if (literal.ok()) {
      json = std::move(literal);
    } else if (is_literal) {
      return InvalidArgument(lines.Where(), ": ", ToStd(literal.status().message()));
    } else {
      return json.status();
    }
  }
  if (!json->is_object()) {
    return InvalidArgument(lines.Where(), ": expected an object, got '", Excerpt(line), "'");
  }
  return json;
}

struct ObjectFields::State {
  std::vector<std::string> names;
  std::vector<Value> values;
  std::string_view line;    // the last one
  bool is_literal = false;  // Python's, not JSON
  simdjson::dom::parser parser;

  // False where the line must be looked at slowly.
  bool ParseFast() {
    is_literal = false;
    simdjson::dom::object object;
    if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS) return false;
    std::fill(values.begin(), values.end(), Value());
    std::vector<bool>& seen = seen_;
    seen.assign(names.size(), false);
    for (const auto& [key, element] : object) {
      for (size_t i = 0; i < names.size(); ++i) {
        if (std::string_view(key) != names[i]) continue;
        if (seen[i]) return false;
        seen[i] = true;
        values[i] = ValueOf(element);
      }
    }
    return true;
  }

  absl::Status Wrong(size_t field, std::string_view what, const TextLines& lines) const {
    return InvalidArgument(lines.Where(), ": expected ", what, " as \"", names[field], "\", got ",
                           TypeOf(values[field]));
  }

  // How a number that is not an int64_t is written: as doubles two ids could become one. A
  // literal's numbers are known as doubles only, which tell smaller ones apart.
  absl::StatusOr<std::string> Digits(size_t field, std::string_view what,
                                     const TextLines& lines) const {
    if (!is_literal) return std::string(NumberText(line, names[field]));
    const double value = std::get<double>(values[field]);
    if (std::abs(value) > kMostExact) return Wrong(field, what, lines);
    return Json(value).dump();
  }

 private:
  std::vector<bool> seen_;
};

ObjectFields::ObjectFields(std::vector<std::string> names) : state_(std::make_unique<State>()) {
  state_->values.resize(names.size());
  state_->names = std::move(names);
}

ObjectFields::~ObjectFields() = default;

absl::Status ObjectFields::Parse(std::string_view line, const TextLines& lines) {
  state_->line = line;
  if (state_->ParseFast()) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const Json json, ParseObjectLine(line, lines));
  state_->is_literal = !Json::accept(line);
  for (size_t i = 0; i < state_->names.size(); ++i) {
    const auto found = json.find(state_->names[i]);
    state_->values[i] = found == json.end() ? Value() : ValueOf(*found);
  }
  return absl::OkStatus();
}

absl::Status ObjectFields::Missing(size_t field, const TextLines& lines) const {
  OPENP5_ASSIGN_OR_RETURN(const Json json, ParseObjectLine(state_->line, lines));
  const std::string& name = state_->names[field];
  if (json.contains(name)) return state_->Wrong(field, "a value", lines);
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return InvalidArgument(lines.Where(), ": expected a key '", name, "', got ",
                         keys.empty() ? "none" : Excerpt(absl::StrJoin(keys, ", ")));
}

bool ObjectFields::Has(size_t field) const {
  return !std::holds_alternative<std::monostate>(state_->values[field]);
}

absl::StatusOr<std::string_view> ObjectFields::Text(size_t field, const TextLines& lines) const {
  if (const auto* text = std::get_if<std::string>(&state_->values[field])) return *text;
  return state_->Wrong(field, "a text", lines);
}

absl::StatusOr<double> ObjectFields::Number(size_t field, const TextLines& lines) const {
  if (const auto* whole = std::get_if<int64_t>(&state_->values[field])) {
    return static_cast<double>(*whole);
  }
  if (const auto* real = std::get_if<double>(&state_->values[field])) return *real;
  return state_->Wrong(field, "a number", lines);
}

absl::StatusOr<int64_t> ObjectFields::Integer(size_t field, const TextLines& lines) const {
  if (const auto* whole = std::get_if<int64_t>(&state_->values[field])) return *whole;
  if (const auto* real = std::get_if<double>(&state_->values[field]);
      real != nullptr && *real == std::floor(*real) && std::abs(*real) <= kMostExact) {
    return static_cast<int64_t>(*real);
  }
  return state_->Wrong(field, "a whole number of 64 bits", lines);
}

absl::StatusOr<std::string> ObjectFields::Scalar(size_t field, const TextLines& lines) const {
  const Value& value = state_->values[field];
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (std::holds_alternative<double>(value)) {
    return state_->Digits(field, "a text or a number of at most 64 bits", lines);
  }
  return state_->Wrong(field, "a text or a number", lines);
}

absl::StatusOr<std::string> ObjectFields::Id(size_t field, const TextLines& lines) const {
  const Value& value = state_->values[field];
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (std::holds_alternative<double>(value)) {
    OPENP5_ASSIGN_OR_RETURN(std::string digits, state_->Digits(field, "an id", lines));
    if (IsWholeNumber(digits)) return digits;
  }
  const auto* const text = std::get_if<std::string>(&value);
  if (text == nullptr) return state_->Wrong(field, "an id", lines);
  OPENP5_RETURN_IF_ERROR(CheckId(*text, StrCat("an id as \"", state_->names[field], "\""), lines));
  return *text;
}

}  // namespace openp5::datasets

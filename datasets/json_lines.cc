#include "datasets/json_lines.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "datasets/python_literal.h"
#include "platform/base/json.h"
#include "platform/base/utf8.h"

namespace openp5::datasets {
namespace {

using Json = nlohmann::json;

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
  simdjson::dom::parser parser;

  // False where the line must be looked at slowly.
  bool ParseFast(std::string_view line) {
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

 private:
  std::vector<bool> seen_;
};

ObjectFields::ObjectFields(std::vector<std::string> names) : state_(std::make_unique<State>()) {
  state_->values.resize(names.size());
  state_->names = std::move(names);
}

ObjectFields::~ObjectFields() = default;

absl::Status ObjectFields::Parse(std::string_view line, const TextLines& lines) {
  if (state_->ParseFast(line)) return absl::OkStatus();
  OPENP5_ASSIGN_OR_RETURN(const Json json, ParseObjectLine(line, lines));
  for (size_t i = 0; i < state_->names.size(); ++i) {
    const auto found = json.find(state_->names[i]);
    state_->values[i] = found == json.end() ? Value() : ValueOf(*found);
  }
  return absl::OkStatus();
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
  constexpr double kMost = 9007199254740992.0;  // 2^53: beyond it a double is not exact
  if (const auto* real = std::get_if<double>(&state_->values[field]);
      real != nullptr && *real == std::floor(*real) && std::abs(*real) <= kMost) {
    return static_cast<int64_t>(*real);
  }
  return state_->Wrong(field, "a whole number of 64 bits", lines);
}

absl::StatusOr<std::string> ObjectFields::Scalar(size_t field, const TextLines& lines) const {
  const Value& value = state_->values[field];
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&value)) return DumpJson(Json(*real));
  return state_->Wrong(field, "a text or a number", lines);
}

absl::StatusOr<std::string> ObjectFields::Id(size_t field, const TextLines& lines) const {
  const Value& value = state_->values[field];
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  const auto* const text = std::get_if<std::string>(&value);
  if (text == nullptr) return state_->Wrong(field, "an id", lines);
  OPENP5_RETURN_IF_ERROR(CheckId(*text, StrCat("an id as \"", state_->names[field], "\""), lines));
  return *text;
}

}  // namespace openp5::datasets

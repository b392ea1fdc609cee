#ifndef OPENP5_DATASETS_LOADERS_JSON_LINES_H_
#define OPENP5_DATASETS_LOADERS_JSON_LINES_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/text_lines.h"
#include "platform/base/status.h"

namespace openp5::datasets {

// The object on a line: JSON (RFC 8259), or a Python literal as older files have it.
// InvalidArgument with file and line, and the column where there is one, for what is neither, JSON
// that is not UTF-8, another value than an object, a key twice, nesting deeper than 64, or a number
// beyond a double.
absl::StatusOr<nlohmann::json> ParseObjectLine(std::string_view line, const TextLines& lines);

// A few fields of many objects, fast (simdjson where a line is JSON). Not thread-safe.
class ObjectFields {
 public:
  explicit ObjectFields(std::vector<std::string> names);
  ~ObjectFields();
  ObjectFields(const ObjectFields&) = delete;
  ObjectFields& operator=(const ObjectFields&) = delete;

  // Takes the fields of the object on `line`. Fails as ParseObjectLine, but other fields are
  // neither kept nor looked at for keys given twice and deep nesting. `line` must stay where it is
  // as long as its fields are asked for.
  absl::Status Parse(std::string_view line, const TextLines& lines);

  // These give a field of the line last parsed, by its place in `names`. InvalidArgument if the
  // field is missing or null, or of another type. A whole number may be written as 5.0.
  bool Has(size_t field) const;
  absl::StatusOr<std::string_view> Text(size_t field, const TextLines& lines) const;
  absl::StatusOr<int64_t> Integer(size_t field, const TextLines& lines) const;
  absl::StatusOr<double> Number(size_t field, const TextLines& lines) const;
  // InvalidArgument that says what `field`, which Has not, lacks: the key, with those there are, or
  // a value.
  absl::Status Missing(size_t field, const TextLines& lines) const;
  // A text as it is, a whole number of any length in the digits it is written in.
  absl::StatusOr<std::string> Id(size_t field, const TextLines& lines) const;
  // A text as it is, a number as it is written (12, 12.0 and 1.2e1 are three texts).
  absl::StatusOr<std::string> Scalar(size_t field, const TextLines& lines) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_LOADERS_JSON_LINES_H_

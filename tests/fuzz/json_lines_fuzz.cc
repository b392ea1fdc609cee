// Objects line by line, read whole and by fields: both must agree.
#include <charconv>

#include "datasets/loaders/json_lines.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace openp5;
using nlohmann::json;

void ExpectSame(const json& object, const datasets::ObjectFields& fields,
                const datasets::TextLines& lines) {
  const auto found = object.find("u");
  const json value = found == object.end() ? json() : *found;
  fuzz::Expect(fields.Has(0) == !value.is_null(), "a field is there or not");
  const auto text = fields.Text(0, lines);
  fuzz::Expect(text.ok() == value.is_string(), "texts are texts");
  if (text.ok()) fuzz::Expect(*text == value.get<std::string>(), "both read the same text");
  const auto number = fields.Number(0, lines);
  fuzz::Expect(number.ok() == value.is_number(), "numbers are numbers");
  if (number.ok()) fuzz::Expect(*number == value.get<double>(), "both read the same number");
  const auto scalar = fields.Scalar(0, lines);
  if (scalar.ok() && value.is_number()) {
    double read = 0;
    const char* const end = scalar->data() + scalar->size();
    const auto [stop, error] = std::from_chars(scalar->data(), end, read);
    // A number too small for a double is 0 there, and out of range here.
    fuzz::Expect(stop == end && (error != std::errc() || read == value.get<double>()),
                 "a number as text is that number");
  }
  fuzz::ExpectMessage(fields.Missing(0, lines));
  fuzz::ExpectMessage(fields.Integer(1, lines).status());
  fuzz::ExpectMessage(fields.Id(1, lines).status());
  fuzz::ExpectMessage(fields.Scalar(1, lines).status());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  datasets::ObjectFields fields({"u", "t"});
  const absl::Status status = datasets::ForEachLine(
      fuzz::Text(data, size), "input", "fuzz",
      [&](std::string_view line, const datasets::TextLines& lines) -> absl::Status {
        const auto object = datasets::ParseObjectLine(line, lines);
        const absl::Status parsed = fields.Parse(line, lines);
        fuzz::ExpectMessage(object.status());
        fuzz::ExpectMessage(parsed);
        if (!object.ok()) return absl::OkStatus();
        fuzz::Expect(parsed.ok(), "what can be read whole can be read by fields");
        fuzz::Expect(!object->dump().empty(), "an object can be written");
        ExpectSame(*object, fields, lines);
        return absl::OkStatus();
      });
  fuzz::ExpectMessage(status);
  return 0;
}

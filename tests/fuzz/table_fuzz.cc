// A user's own table and its item descriptions. The first byte chooses the format, the second one
// options; two parts follow.
#include "datasets/table.h"
#include "tests/fuzz/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace openp5;
  if (size < 2) return 0;
  const std::string& format = datasets::TableFormats()[data[0] % 4];
  static const std::string kUnits[] = {"s", "ms", "us", "iso"};
  static const std::string kDedupe[] = {"none", "first", "last", "first-row"};
  datasets::TableOptions options;
  options.user_col = "u";
  options.item_col = "i";
  options.time_col = "t";
  options.title_col = "n";
  options.time_unit = kUnits[data[1] % 4];
  options.allow_negative_time = (data[1] & 4) != 0;
  options.dedupe = kDedupe[data[1] / 16 % 4];
  if ((data[1] & 8) != 0) {
    options.rating_col = options.event_col = "r";
    options.event_values = {"5", "nan"};
    options.since = "1970-01-02";
  }
  const std::string_view input = fuzz::Text(data + 2, size - 2);
  options.items = fuzz::WriteInput("items", fuzz::Part(input, 1, 2));
  datasets::DatasetPreset preset = *datasets::TablePreset(format, options);
  preset.load = [load = preset.load](datasets::LoadOptions where) {
    where.raw += "/rows";
    return load(where);
  };
  fuzz::LoadParts(preset, fuzz::Part(input, 0, 2), {"rows"});
  return 0;
}

// A user's own table and its item descriptions. The first byte chooses the format, what stands
// between fields and the header, the second one other options; two parts follow.
#include "datasets/table/table.h"
#include "tests/fuzz/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace openp5;
  if (size < 2) return 0;
  const std::string& format = datasets::TableFormats()[data[0] % 4];
  static const std::string kUnits[] = {"s", "ms", "us", "iso"};
  static const std::string kSeparators[] = {"", ";", "::", "space", "tab", ""};
  // Counted from the digits '0' to '3', which choose a format and nothing else.
  const size_t variant = (data[0] / 4 + 4) % 16;
  static const std::string kDedupe[] = {"none", "first", "last", "first-row"};
  datasets::TableOptions options;
  options.user_col = "u";
  options.item_col = "i";
  options.time_col = "t";
  options.title_col = "n";
  options.time_unit = kUnits[data[1] % 4];
  if (variant % 8 == 5) options.time_unit = "auto";
  if (variant % 8 == 6) options.time_unit = "ns";
  if (variant % 8 == 7) {
    options.time_unit = "iso";
    options.time_format = "%d.%m.%Y %H:%M:%S.%f %z";
  }
  if (format != "jsonl" && variant < 6) options.separator = kSeparators[variant];
  if ((format == "csv" || format == "tsv") && variant >= 8) {
    options.no_header = true;
    options.user_col = options.items_item_col = "1";
    options.item_col = options.title_col = "2";
    options.time_col = "3";
  }
  options.literal_ids = variant % 2 == 1;
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

#ifndef OPENP5_TESTS_FUZZ_PRESET_H_
#define OPENP5_TESTS_FUZZ_PRESET_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/loaders/raw_dataset.h"
#include "datasets/text_lines.h"
#include "platform/base/log.h"
#include "platform/base/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace openp5::fuzz {

// What a loader promises of interactions and items, whatever it read: all of it can be written.
inline void ExpectWritable(const datasets::RawDataset& raw) {
  const datasets::TextLines nowhere("", "");
  const auto expect_ids = [&](const datasets::IdTable& ids) {
    for (int32_t number = 0; number < ids.size(); ++number) {
      Expect(datasets::CheckId(ids.Id(number), "an id", nowhere).ok(), "ids can be written");
    }
  };
  expect_ids(raw.interactions.users);
  expect_ids(raw.interactions.items);
  const auto expect_text = [](std::string_view text) {
    Expect(FindInvalidUtf8(text) == std::string_view::npos, "texts are UTF-8");
  };
  std::set<std::string> items;
  for (const datasets::ItemMetadata& item : raw.items) {
    Expect(items.insert(item.item).second, "an item is described once");
    expect_text(item.item);
    expect_text(item.title);
    for (const auto& [key, value] : item.more) expect_text(value);
    for (const std::string& category : item.categories) expect_text(category);
  }
}

// Loads the preset from the files `names`, which hold the parts of `input`.
inline void LoadParts(const datasets::DatasetPreset& preset, std::string_view input,
                      const std::vector<std::string>& names) {
  SetQuiet(true);
  for (size_t i = 0; i < names.size(); ++i) WriteInput(names[i], Part(input, i, names.size()));
  for (const int64_t max_bad_lines : {0, 2}) {
    const auto raw = preset.load({.raw = Folder(), .max_bad_lines = max_bad_lines});
    ExpectMessage(raw.status());
    if (raw.ok()) ExpectWritable(*raw);
    if (!absl::IsInvalidArgument(raw.status())) return;
  }
}

}  // namespace openp5::fuzz

#endif  // OPENP5_TESTS_FUZZ_PRESET_H_

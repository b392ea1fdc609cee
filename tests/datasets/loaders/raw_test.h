#ifndef OPENP5_TESTS_DATASETS_LOADERS_RAW_TEST_H_
#define OPENP5_TESTS_DATASETS_LOADERS_RAW_TEST_H_

#include <string>
#include <tuple>
#include <vector>

#include "datasets/loaders/raw_dataset.h"
#include "datasets/prepare.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {

// Raw files of a preset in a temporary folder.
class RawTest : public ::testing::Test {
 protected:
  using Row = std::tuple<std::string, std::string, int64_t>;

  void Write(const std::string& name, const std::string& text) {
    OPENP5_ASSERT_OK(MakeDirectories(DirectoryName(folder_.File("raw/" + name))));
    OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File("raw/" + name), text));
  }
  std::string Raw(const std::string& name = "") const {
    return folder_.File(name.empty() ? "raw" : "raw/" + name);
  }
  absl::StatusOr<RawDataset> Load(const DatasetPreset& preset, int64_t max_bad_lines = 0) const {
    return preset.load({.raw = Raw(), .max_bad_lines = max_bad_lines});
  }
  // Users, items and times in file order.
  static std::vector<Row> Rows(const RawDataset& raw) {
    const Interactions& rows = raw.interactions;
    std::vector<Row> result;
    for (size_t i = 0; i < rows.size(); ++i) {
      result.emplace_back(rows.users.Id(rows.user[i]), rows.items.Id(rows.item[i]), rows.time[i]);
    }
    return result;
  }
  // user_sequence.txt of the preset with another core.
  absl::StatusOr<std::string> Sequences(DatasetPreset preset, int64_t core) const {
    preset.user_core = preset.item_core = core;
    const std::string out = folder_.File("out");
    OPENP5_RETURN_IF_ERROR(PrepareDataset("test", preset, {.raw = Raw(), .out = out}).status());
    return ReadFile(out + "/user_sequence.txt");
  }
  void ExpectBad(const DatasetPreset& preset, const std::string& message) const {
    EXPECT_THAT(Load(preset), testing::StatusIs(absl::StatusCode::kInvalidArgument, message));
  }

  const testing::TemporaryFolder folder_;
};

}  // namespace openp5::datasets

#endif  // OPENP5_TESTS_DATASETS_LOADERS_RAW_TEST_H_

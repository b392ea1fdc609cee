#include "trainers/run_record.h"

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(RunRecordTest, SaysWhatARunWasMadeWithAndHowItWent) {
  const TemporaryFolder folder;
  const std::string path = folder.File("run.json");
  OPENP5_ASSERT_OK_AND_ASSIGN(RunRecord record,
                              RunRecord::Begin(path, {{"command", "openp5 train"}, {"cores", 2}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(auto json, ReadRunRecord(path));
  EXPECT_EQ(json["outcome"], "running");
  EXPECT_EQ(json["command"], "openp5 train");
  EXPECT_EQ(json["starts"][0]["cores"], 2);
  EXPECT_THAT(json["starts"][0]["time"].get<std::string>(), MatchesRegex("20..-..-..T..:..:..Z"));
  OPENP5_ASSERT_OK(record.End(absl::OkStatus(), {{"steps", 7}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(json, ReadRunRecord(path));
  EXPECT_EQ(json["outcome"], "finished");
  EXPECT_EQ(json["result"]["steps"], 7);
  EXPECT_GT(json["seconds"].get<double>(), 0);
  EXPECT_GT(json["peak_memory_bytes"].get<int64_t>(), 1 << 20);
}

TEST(RunRecordTest, AddsUpTheStartsOfARun) {
  const TemporaryFolder folder;
  const std::string path = folder.File("run.json");
  OPENP5_ASSERT_OK_AND_ASSIGN(RunRecord first, RunRecord::Begin(path, {{"command", "first"}}));
  OPENP5_ASSERT_OK(first.End(absl::CancelledError("by a signal"), {}));
  OPENP5_ASSERT_OK_AND_ASSIGN(auto json, ReadRunRecord(path));
  EXPECT_EQ(json["outcome"], "stopped");
  EXPECT_EQ(json["error"], "by a signal");
  const double before = json["seconds"];
  OPENP5_ASSERT_OK_AND_ASSIGN(RunRecord second, RunRecord::Begin(path, {{"command", "second"}}));
  OPENP5_ASSERT_OK(second.End(DataLoss("no such luck"), {}));
  OPENP5_ASSERT_OK_AND_ASSIGN(json, ReadRunRecord(path));
  EXPECT_EQ(json["outcome"], "failed");
  EXPECT_EQ(json["error"], "no such luck");
  EXPECT_FALSE(json.contains("result"));
  EXPECT_EQ(json["command"], "first");
  ASSERT_EQ(json["starts"].size(), 2u);
  EXPECT_EQ(json["starts"][0]["outcome"], "stopped");
  EXPECT_EQ(json["starts"][1]["command"], "second");
  EXPECT_GT(json["seconds"].get<double>(), before);
}

TEST(RunRecordTest, AStartThatNeverEndedWasKilled) {
  const TemporaryFolder folder;
  const std::string path = folder.File("run.json");
  OPENP5_ASSERT_OK(RunRecord::Begin(path, {{"command", "first"}}));
  OPENP5_ASSERT_OK(RunRecord::Begin(path, {{"command", "second"}}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto json, ReadRunRecord(path));
  EXPECT_EQ(json["starts"][0]["outcome"], "killed");
  EXPECT_EQ(json["starts"][1]["outcome"], "running");
}

TEST(RunRecordTest, NamesAFileThatIsNone) {
  const TemporaryFolder folder;
  const std::string path = folder.File("run.json");
  EXPECT_THAT(ReadRunRecord(path), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
  for (const char* text : {"", "[]", "{\"starts\": 3}",
                           "{\"starts\": [3], \"seconds\": 1, \"peak_memory_bytes\": 1, "
                           "\"outcome\": \"running\"}",
                           "{\"outcome\": \"finished\", \"star"}) {
    OPENP5_ASSERT_OK(WriteFileAtomic(path, text));
    EXPECT_THAT(RunRecord::Begin(path, {}),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("run.json: expected ")));
    EXPECT_EQ(ReadFile(path).value_or("?"), text);
  }
}

}  // namespace
}  // namespace openp5::trainers

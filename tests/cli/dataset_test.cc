#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Three users with 4, 5 and 17 events, a day apart.
std::string Table() {
  std::string text = "user_id,item_id,timestamp\n";
  int64_t time = 1546300799;  // the last second of 2018
  for (const auto& [user, events] : {std::pair("ann", 4), std::pair("bob", 5), std::pair("cy", 17)})
    for (int i = 0; i < events; ++i, time += 86400)
      text += StrCat(user, ",i", i % 3, ",", time, "\n");
  return text;
}

class DatasetTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) { return folder_.File(name); }
  ProgramResult Inspect(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"dataset",    "inspect",    "--data-dir",
                                          Path("data"), "--datasets", "Toy"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunProgram(arguments);
  }
  void Prepare(const std::vector<std::string>& more = {}) {
    ASSERT_TRUE(WriteFileAtomic(Path("raw.csv"), Table()).ok());
    std::vector<std::string> arguments = {"dataset",        "prepare",       "csv",
                                          "--raw",          Path("raw.csv"), "--out",
                                          Path("data/Toy"), "--k-core-user", "3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = RunProgram(arguments);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  TemporaryFolder folder_;
};

TEST_F(DatasetTest, InspectShowsLengthsAndDates) {
  Prepare();
  const ProgramResult result = Inspect({"--top", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      HasSubstr("  time span     2018-12-31 to 2019-01-25 (UTC)\n"
                "  users by items\n"
                "         3 to 4                1  ########################################\n"
                "         5 to 8                1  ########################################\n"
                "         9 to 16               0\n"
                "        17 to 32               1  ########################################\n"
                "        10 x i0\n"));
  const Json json = Json::parse(Inspect({"--format", "json"}).out)[0];
  EXPECT_EQ(json["length_histogram"],
            Json::parse(R"([{"from": 3, "to": 4, "users": 1}, {"from": 5, "to": 8, "users": 1},
                            {"from": 9, "to": 16, "users": 0}, {"from": 17, "to": 32, "users": 1}])"));
  EXPECT_EQ(json["time_span"],
            Json::parse(R"({"first_date": "2018-12-31", "last_date": "2019-01-25",
                            "first_time": 1546300799, "last_time": 1548460799})"));
  EXPECT_EQ(json["interactions"], 26);
}

TEST_F(DatasetTest, InspectShowsNoDatesWhereNoneAreKnown) {
  Prepare({"--time-col", ""});
  EXPECT_THAT(Inspect().out, AllOf(HasSubstr("17 to 32"), Not(HasSubstr("time span"))));
  EXPECT_TRUE(Json::parse(Inspect({"--format", "json"}).out)[0]["time_span"].is_null());
  std::filesystem::remove(Path("data/Toy/dataset.json"));
  EXPECT_THAT(Inspect().out, AllOf(HasSubstr("17 to 32"), Not(HasSubstr("time span"))));
}

TEST_F(DatasetTest, InspectNamesADamagedDescription) {
  Prepare();
  ASSERT_TRUE(WriteFileAtomic(Path("data/Toy/dataset.json"), "{\"format\"").ok());
  const ProgramResult result = Inspect();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.LastError(), HasSubstr("data/Toy/dataset.json: expected JSON"));
}

// Two users, one of them with an id beyond ASCII, and own prompts.
class SamplesTest : public DatasetTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeDirectories(Path("data/Toy")).ok());
    ASSERT_TRUE(WriteFileAtomic(Path("data/Toy/user_sequence.txt"),
                                "ann tea jam rye ham\nböb jam tea ham\n")
                    .ok());
    ASSERT_TRUE(WriteFileAtomic(Path("prompts.txt"),
                                "sequential; seen; {user_id} had {history}; {target}\n"
                                "sequential; unseen; after {history}; {target}\n"
                                "straightforward; seen; for {user_id}; {target}\n"
                                "straightforward; seen; to {user_id}; {target}\n")
                    .ok());
    const ProgramResult result = RunProgram({"index", "build", "--data-dir", Path("data"),
                                             "--datasets", "Toy", "--indexing", "sequential"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  // The lines of `dataset samples`, each parsed: an object of exactly these four texts.
  std::vector<std::array<std::string, 4>> Samples(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "dataset", "samples",       "--data-dir",        Path("data"), "--datasets",
        "Toy",     "--prompt-file", Path("prompts.txt"), "--format",   "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = RunProgram(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<std::array<std::string, 4>> samples;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
      const Json json = Json::parse(line);
      EXPECT_EQ(json.size(), 4u) << line;
      samples.push_back({json.at("input"), json.at("output"), json.at("user"), json.at("target")});
    }
    return samples;
  }
};
using Lines = std::vector<std::array<std::string, 4>>;

TEST_F(SamplesTest, AreJsonLinesForEverySplitAndTask) {
  const std::string bob = "böb";
  EXPECT_EQ(Samples({"--split", "train", "--tasks", "sequential,straightforward"}),
            (Lines{{"1 had item_1001", "item_1002", "ann", "jam"},
                   {"for 1", "item_1002", "ann", "jam"},
                   {"to 1", "item_1002", "ann", "jam"}}));
  EXPECT_EQ(Samples({"--split", "validation", "--tasks", "sequential"}),
            (Lines{{"1 had item_1001 , item_1002", "item_1003", "ann", "rye"},
                   {"2 had item_1002", "item_1001", bob, "tea"}}));
  EXPECT_EQ(Samples({"--split", "validation", "--tasks", "straightforward"}),
            (Lines{{"for 1", "item_1003", "ann", "rye"}, {"for 2", "item_1001", bob, "tea"}}));
  EXPECT_EQ(Samples({"--split", "test", "--tasks", "sequential", "--prompt", "unseen:0"}),
            (Lines{{"after item_1001 , item_1002 , item_1003", "item_1004", "ann", "ham"},
                   {"after item_1002 , item_1001", "item_1004", bob, "ham"}}));
  EXPECT_EQ(Samples({"--split", "test", "--tasks", "straightforward"}),
            (Lines{{"for 1", "item_1004", "ann", "ham"}, {"for 2", "item_1004", bob, "ham"}}));
}

TEST_F(SamplesTest, AreDescribedByHelp) {
  const ProgramResult result = RunProgram({"help", "dataset", "samples"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("--format"), HasSubstr("JSON object")));
}

}  // namespace
}  // namespace openp5

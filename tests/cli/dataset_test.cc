#include <filesystem>
#include <nlohmann/json.hpp>

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

}  // namespace
}  // namespace openp5

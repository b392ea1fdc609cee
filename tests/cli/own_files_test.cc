// Users' own files as they are found in practice, prepared as a new user would.
#include <nlohmann/json.hpp>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using Json = nlohmann::json;
using ::openp5::testing::Arguments;
using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::Shared;
using ::openp5::testing::TemporaryFolder;
using ::openp5::testing::operator+;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class OwnFilesTest : public ::testing::Test {
 protected:
  ProgramResult Prepare(const std::string& format, const std::string& raw,
                        const Arguments& more = {}) {
    return RunProgram(Arguments{"dataset", "prepare", format, "--raw", raw, "--out",
                                folder_.File("Own"), "--k-core-user", "1", "--k-core-item", "1"} +
                      more);
  }
  std::string Sequences() {
    return ReadFile(folder_.File("Own/user_sequence.txt")).value_or("none");
  }
  Json Description() {
    return Json::parse(ReadFile(folder_.File("Own/dataset.json")).value_or("{}"));
  }
  std::string File(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomic(folder_.File(name), text).ok());
    return folder_.File(name);
  }
  static std::string Case(const std::string& name) { return Shared("cases/data/" + name); }

  TemporaryFolder folder_;
};

constexpr char kThreeUsers[] = "u0 i0 i1 i2 i3 i4\nu1 i0 i1 i2 i3 i4\nu2 i0 i1 i2 i3 i4\n";

TEST_F(OwnFilesTest, DatesWithFractionsZonesAndSlashes) {
  if (!FileExists(Case("offset.csv"))) GTEST_SKIP() << "no " << Case("offset.csv");
  for (const char* name : {"fraction-Z.csv", "offset.csv", "slashes.csv"}) {
    for (const Arguments& unit : {Arguments{}, Arguments{"--time-unit", "iso"}}) {
      ExpectSuccess(Prepare("csv", Case(name), unit));
      EXPECT_EQ(Sequences(), kThreeUsers);
      EXPECT_EQ(Description()["first_time"],
                std::string(name) == "fraction-Z.csv" ? 1396867861 : 1569888001);
    }
  }
}

TEST_F(OwnFilesTest, MillisecondsAsFloats) {
  if (!FileExists(Case("float-ms.csv"))) GTEST_SKIP() << "no " << Case("float-ms.csv");
  ExpectSuccess(Prepare("csv", Case("float-ms.csv"), {"--time-unit", "ms"}));
  EXPECT_EQ(Sequences(), kThreeUsers);
  EXPECT_EQ(Description()["first_time"], 1000000000);
}

TEST_F(OwnFilesTest, NoHeader) {
  if (!FileExists(Case("no-header.csv"))) GTEST_SKIP() << "no " << Case("no-header.csv");
  ExpectFailure(Prepare("csv", Case("no-header.csv")), 1,
                AllOf(HasSubstr("no-header.csv:1: expected a column 'user_id'"),
                      HasSubstr("--no-header and columns by number: --user-col 1")));
  ExpectSuccess(Prepare("csv", Case("no-header.csv"),
                        {"--no-header", "--user-col", "1", "--item-col", "2", "--time-col", "4"}));
  EXPECT_EQ(Sequences(), kThreeUsers);
}

TEST_F(OwnFilesTest, AColumnThatComesTwice) {
  if (!FileExists(Case("duplicate-column.csv")))
    GTEST_SKIP() << "needs the shared cases, absent here: " << OPENP5_SHARED_DIR;
  ExpectFailure(Prepare("csv", Case("duplicate-column.csv")), 1,
                HasSubstr("duplicate-column.csv:1: expected one column 'item_id'"));
}

TEST_F(OwnFilesTest, IdsBeyond64Bits) {
  if (!FileExists(Case("json-uint64-ids.jsonl")))
    GTEST_SKIP() << "needs the shared cases, absent here: " << OPENP5_SHARED_DIR;
  ExpectSuccess(Prepare("jsonl", Case("json-uint64-ids.jsonl")));
  const std::string items =
      " 9223372036854775808 9223372036854775811 9223372036854775814 9223372036854775817 "
      "9223372036854775820\n";
  EXPECT_EQ(Sequences(), StrCat("18446744073709551615", items, "18446744073709551614", items,
                                "18446744073709551613", items));
}

TEST_F(OwnFilesTest, HistoriesOfRecBole) {
  if (!FileExists(Case("x.train.inter"))) GTEST_SKIP() << "no " << Case("x.train.inter");
  ExpectSuccess(Prepare("inter", Case("x.train.inter")));
  EXPECT_EQ(Sequences(), "a 11 12 13 14 15 16\nb 12 14 16 11 13 15\nc 15 11 12 16 14 13\n");
}

TEST_F(OwnFilesTest, WarningsOfOneKindAreShownFiveTimes) {
  std::string text = "user_id,item_id,timestamp,title\n";
  for (int i = 0; i < 300; ++i) text += StrCat("u", i % 10, ",i", i % 7, ",", i, ",T", i, "\n");
  const std::string raw = File("raw.csv", text);
  const ProgramResult result = Prepare("csv", raw, {"--items", raw});
  ExpectSuccess(result);
  size_t shown = 0;
  for (size_t at = 0; (at = result.err.find("is described again", at)) != std::string::npos; ++at) {
    ++shown;
  }
  EXPECT_EQ(shown, 5u);
  EXPECT_THAT(result.err, HasSubstr("293 lines describe an item again and otherwise"));
}

TEST_F(OwnFilesTest, OptionsComeBackFromAConfigFile) {
  const std::string raw =
      File("raw.csv", "1\t\"a\"\t07.04.2014\n1\tb\t08.04.2014\n1\tc\t09.04.2014\n");
  const Arguments options = {"--no-header", "--separator",   "\t",      "--user-col",
                             "1",           "--item-col",    "2",       "--time-col",
                             "3",           "--time-format", "%d.%m.%Y"};
  const ProgramResult dumped = Prepare("csv", raw, options + Arguments{"--dump-config"});
  ExpectSuccess(dumped);
  const std::string config = File("config.ini", dumped.out);
  ExpectSuccess(RunProgram({"dataset", "prepare", "csv", "--config", config}));
  EXPECT_EQ(Sequences(), "1 a b c\n");
}

TEST_F(OwnFilesTest, MissingValuesAreCountedAsBadLines) {
  const std::string raw =
      File("raw.csv", "user_id,item_id,timestamp\nu,a,1\nnan,b,2\nu,NULL,3\nu,b,4\nu,c,5\n");
  ExpectFailure(Prepare("csv", raw), 1,
                AllOf(HasSubstr("raw.csv:3: column 'user_id'"), HasSubstr("got 'nan'")));
  const ProgramResult result = Prepare("csv", raw, {"--max-bad-lines", "2"});
  ExpectSuccess(result);
  EXPECT_THAT(result.err, HasSubstr("2 bad line(s) skipped"));
  EXPECT_EQ(Sequences(), "u a b c\n");
  ExpectSuccess(Prepare("csv", raw, {"--literal-ids", "--min-length", "3"}));
  EXPECT_EQ(Sequences(), "u a NULL b c\n");
}

}  // namespace
}  // namespace openp5

#include "tests/testing/fault_shim.h"

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::Arguments;
using ::openp5::testing::Fault;
using ::openp5::testing::FaultVariables;
using ::openp5::testing::ProgramResult;
using ::openp5::testing::RunProgram;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;

// The shim itself, on a command that writes one folder.
class FaultShimTest : public ::testing::Test {
 protected:
  ProgramResult Generate(Fault fault) {
    fault.folder = std::filesystem::canonical(folder_.File(".")).string();
    fault.log = Log();
    std::filesystem::remove(Log());
    return RunProgram({"dataset", "generate", "--out", folder_.File("Toy"), "--users", "9",
                       "--items", "60", "--groups", "5"},
                      "", FaultVariables(fault));
  }
  // Outside of the folder that is watched.
  std::string Log() const { return log_folder_.File("log"); }
  std::string LogText() const { return ReadFile(Log()).value_or("missing"); }
  std::vector<std::string> LogLines() const {
    std::istringstream text(LogText());
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  TemporaryFolder folder_, log_folder_;
};

TEST_F(FaultShimTest, CountsWithoutHarm) {
  EXPECT_EQ(Generate({}).exit_code, 0);
  EXPECT_TRUE(FileExists(folder_.File("Toy/user_sequence.txt")));
  for (const char* kind : {" create ", " write ", " sync ", " close ", " rename "}) {
    EXPECT_THAT(LogText(), HasSubstr(kind));
  }
  EXPECT_THAT(LogText(), HasSubstr("user_sequence.txt"));
}

TEST_F(FaultShimTest, CountsOnlyTheKindsAskedFor) {
  EXPECT_EQ(Generate({.kinds = "rename"}).exit_code, 0);
  for (const std::string& line : LogLines()) EXPECT_THAT(line, HasSubstr(" rename "));
  EXPECT_FALSE(LogLines().empty());
}

TEST_F(FaultShimTest, FailsTheCall) {
  const ProgramResult result = Generate({.kinds = "write", .action = "fail", .n = 1});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.LastError(), HasSubstr("No space left on device"));
  const ProgramResult other =
      Generate({.kinds = "sync", .action = "fail", .n = 1, .error = EIO, .sticky = true});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.LastError(), HasSubstr("Input/output error"));
}

TEST_F(FaultShimTest, KillsAtTheCall) {
  const std::string made = folder_.File("Toy");
  EXPECT_EQ(Generate({.kinds = "rename"}).exit_code, 0);
  const auto last = static_cast<int64_t>(LogLines().size());  // the renaming of the folder
  std::filesystem::remove_all(made);
  EXPECT_EQ(Generate({.kinds = "write", .action = "kill-within", .n = 1}).exit_code, 137);
  EXPECT_FALSE(FileExists(made));
  EXPECT_EQ(Generate({.kinds = "rename", .action = "kill-before", .n = last}).exit_code, 137);
  EXPECT_FALSE(FileExists(made));
  EXPECT_EQ(Generate({.kinds = "rename", .action = "kill-after", .n = last}).exit_code, 137);
  EXPECT_TRUE(FileExists(made));
}

}  // namespace
}  // namespace openp5

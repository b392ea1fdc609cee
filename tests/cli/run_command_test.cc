// From a file of one's own to a trained recommender.
#include "platform/base/file.h"
#include "tests/cli/program.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::ExpectFailure;
using ::openp5::testing::ExpectSuccess;
using ::openp5::testing::RunShell;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RunCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text = "customer,sku,when\n";
    for (int user = 0; user < 30; ++user) {
      for (int i = 0; i < 7; ++i) {
        text += StrCat("c", user, ",s", (user + i) % 20, ",", 1000 + 10 * user + i, "\n");
      }
    }
    OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File("shop.csv"), text));
  }
  testing::ProgramResult Run(const std::string& more) {
    return RunShell(
        "$OPENP5 run --user-col customer --item-col sku --time-col when --k-core-user 1"
        " --k-core-item 1 --epochs 1 " +
            more,
        folder_.path());
  }

  const TemporaryFolder folder_;
};

TEST_F(RunCommandTest, GoesFromAFileToAResultAndDoesNothingTwice) {
  for (const char* kind : {"sasrec", "generative"}) {
    const std::string run = StrCat("--data shop.csv --out ", kind, " --kind ", kind);
    const auto first = Run(run);
    ExpectSuccess(first);
    EXPECT_THAT(first.out, AllOf(HasSubstr("$ openp5 dataset prepare csv --raw shop.csv"),
                                 HasSubstr("$ openp5 train"), HasSubstr("transitions"),
                                 HasSubstr("Next:\n  openp5 recommend")));
    EXPECT_TRUE(FileExists(folder_.File(StrCat(kind, "/run/checkpoints/best/manifest.json"))));
    const auto again = Run(run);
    ExpectSuccess(again);
    EXPECT_THAT(again.out, AllOf(Not(HasSubstr("$ openp5 train")), HasSubstr("transitions")));
    EXPECT_THAT(again.err, HasSubstr("train: done already"));
  }
}

TEST_F(RunCommandTest, TakesADatasetFolderAsItIs) {
  ExpectSuccess(
      RunShell("$OPENP5 dataset generate --out own/Toy --users 20 --items 20 --groups 2"
               " --mean-length 6",
               folder_.path()));
  const auto result =
      RunShell("$OPENP5 run --data own/Toy/ --kind sasrec --epochs 1 --out r", folder_.path());
  ExpectSuccess(result);
  EXPECT_THAT(result.out, AllOf(HasSubstr("--datasets Toy"), Not(HasSubstr("dataset prepare"))));
}

TEST_F(RunCommandTest, WrongWishesAreNamed) {
  ExpectFailure(Run("--out x --data nothing.csv"), 1, HasSubstr("--data: expected a file"));
  ExpectFailure(Run("--out x --data shop.xls"), 1, HasSubstr("--data: expected a file"));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File("shop.xls"), "x"));
  ExpectFailure(Run("--out x --data shop.xls"), 2, HasSubstr("ends in .csv"));
  OPENP5_ASSERT_OK(MakeDirectories(folder_.File("mine")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File("mine/thesis.tex"), "x"));
  ExpectFailure(Run("--out mine --data shop.csv"), 2, HasSubstr("--out: mine: expected a new"));
  const auto failing =
      RunShell("$OPENP5 run --data shop.csv --kind sasrec --out y", folder_.path());
  EXPECT_EQ(failing.exit_code, 1);
  EXPECT_THAT(failing.err, AllOf(HasSubstr("user_id"), HasSubstr("run: step dataset failed")));
}

}  // namespace
}  // namespace openp5

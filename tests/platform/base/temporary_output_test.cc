#include "platform/base/temporary_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = TemporaryOutput::Kind;

std::string Left(const std::string& output, const char* ending) {
  return StrCat(output, ".openp5-0123456789abcdef", ending);
}

TEST(TemporaryOutputTest, NamesAreToldFromAUsersOwn) {
  EXPECT_TRUE(IsTemporaryName("x.openp5-0123456789abcdef.tmp"));
  EXPECT_TRUE(IsTemporaryName("x.openp5-0123456789abcdef.old"));
  for (const char* name : {"thesis.tmp", "thesis.2024.tmp", "x.openp5-0123456789abcde.tmp",
                           "x.openp5-0123456789abcdeg.tmp", ".openp5-0123456789abcdef.tmp",
                           "x.openp5-0123456789abcdef.tmp.gz", "x", ""}) {
    EXPECT_FALSE(IsTemporaryName(name)) << name;
  }
}

TEST(TemporaryOutputTest, IsANewNameEachTimeAndGoneAtTheEnd) {
  const TemporaryFolder folder;
  const std::string output = folder.File("out");
  for (const Kind kind : {Kind::kFile, Kind::kFolder}) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto one, TemporaryOutput::Make(output, kind, 0777));
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto two, TemporaryOutput::Make(output, kind, 0777));
    EXPECT_NE(one.path(), two.path());
    EXPECT_THAT(one.path(), StartsWith(output + ".openp5-"));
    EXPECT_EQ(IsDirectory(one.path()), kind == Kind::kFolder);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TemporaryOutputTest, FitsANameAsLongAsTheyCome) {
  const TemporaryFolder folder;
  OPENP5_EXPECT_OK(WriteFileAtomic(folder.File(std::string(255, 'x')), "long"));
  OPENP5_EXPECT_OK(WriteDirectoryAtomic(folder.File(std::string(255, 'y')), [](const auto& inside) {
    return WriteFileAtomic(inside + "/a", "a");
  }));
}

TEST(TemporaryOutputTest, SweepsUpWhatKilledProcessesLeft) {
  const TemporaryFolder folder;
  const std::string output = folder.File("out");
  OPENP5_ASSERT_OK(MakeDirectories(Left(output, ".tmp") + "/inside"));
  OPENP5_ASSERT_OK(AppendToFile(Left(folder.File("other"), ".tmp"), "another output's"));
  OPENP5_ASSERT_OK(AppendToFile(output + ".7.tmp", "a user's"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto alive, TemporaryOutput::Make(output, Kind::kFile, 0666));
  OPENP5_ASSERT_OK(WriteFileAtomic(output, "new"));
  EXPECT_FALSE(FileExists(Left(output, ".tmp")));
  EXPECT_TRUE(FileExists(Left(folder.File("other"), ".tmp")));
  EXPECT_TRUE(FileExists(output + ".7.tmp"));
  EXPECT_TRUE(FileExists(alive.path())) << "a process works on it";
  SweepTemporaries(folder.path());
  EXPECT_FALSE(FileExists(Left(folder.File("other"), ".tmp")));
  EXPECT_TRUE(FileExists(alive.path()));
}

TEST(TemporaryOutputTest, FollowsNoLinkThatSomeonePlanted) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(AppendToFile(folder.File("precious"), "kept"));
  ASSERT_EQ(symlink("precious", Left(folder.File("out"), ".tmp").c_str()), 0);
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("out"), "new"));
  EXPECT_EQ(*ReadFile(folder.File("precious")), "kept");
  EXPECT_FALSE(std::filesystem::is_symlink(folder.File("out")));
}

TEST(TemporaryOutputTest, WhatWasPutAsideComesBackUnlessItHasASuccessor) {
  const TemporaryFolder folder;
  const std::string output = folder.File("out"), aside = Left(output, ".old");
  OPENP5_ASSERT_OK(MakeDirectories(aside));
  OPENP5_ASSERT_OK(AppendToFile(aside + "/a", "earlier"));
  SweepTemporaries(folder.path(), "out");
  EXPECT_EQ(ReadFile(output + "/a").value_or(""), "earlier");
  OPENP5_ASSERT_OK(MakeDirectories(aside));
  SweepTemporaries(folder.path(), "out");
  EXPECT_FALSE(FileExists(aside));
  EXPECT_EQ(ReadFile(output + "/a").value_or(""), "earlier");
}

}  // namespace
}  // namespace openp5

#include "platform/base/file.h"

#include "platform/base/digest.h"
#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::HasSubstr;

TEST(FileTest, WritesReadsAndReplaces) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("a"), "one"));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("a"), "two"));
  OPENP5_ASSERT_OK(AppendToFile(folder.File("a"), "!"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string content, ReadFile(folder.File("a")));
  EXPECT_EQ(content, "two!");
  OPENP5_ASSERT_OK_AND_ASSIGN(const MappedFile mapped, MappedFile::Open(folder.File("a")));
  EXPECT_EQ(mapped.bytes(), "two!");
}

TEST(FileTest, ErrorsNameThePath) {
  TemporaryFolder folder;
  EXPECT_THAT(ReadFile(folder.File("absent")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent")));
  EXPECT_THAT(ReadFile(folder.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("got a folder")));
  EXPECT_THAT(WriteFileAtomic(folder.File("no/such/folder"), ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/such/folder")));
}

TEST(FileTest, NoSpaceLeavesNothing) {
  if (!FileExists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  EXPECT_THAT(AppendToFile("/dev/full", "x"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("No space left")));
}

TEST(FileTest, DirectoryAppearsWholeOrNotAtAll) {
  TemporaryFolder folder;
  const std::string path = folder.File("checkpoint");
  const auto write = [](std::string text) {
    return
        [text](const std::string& inside) { return WriteFileAtomic(JoinPath(inside, "x"), text); };
  };
  OPENP5_ASSERT_OK(WriteDirectoryAtomic(path, write("one")));
  OPENP5_ASSERT_OK(WriteDirectoryAtomic(path, write("two")));
  EXPECT_EQ(*ReadFile(path + "/x"), "two");
  EXPECT_FALSE(WriteDirectoryAtomic(path, [&](const std::string& inside) {
                 OPENP5_RETURN_IF_ERROR(write("three")(inside));
                 return DataLoss("half-way");
               }).ok());
  EXPECT_EQ(*ReadFile(path + "/x"), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(FileTest, PathParts) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("a", "/b"), "/b");
  EXPECT_EQ(BaseName("a/b/"), "b");
  EXPECT_EQ(DirectoryName("a/b/"), "a");
  EXPECT_EQ(DirectoryName("b"), ".");
}

TEST(DigestTest, Sha256OfKnownText) {
  EXPECT_EQ(Sha256Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, GitBlobIdIsWhatGitHashObjectSays) {
  EXPECT_EQ(GitBlobIdOf(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(GitBlobIdOf("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(RandomTest, SameValuesOnEveryMachine) {
  Random random(5489);
  EXPECT_EQ(random.Below(1000),
            14514284786278117030ULL % 1000);  // first value of mt19937_64's default seed
  std::vector<int> values = {0, 1, 2, 3, 4, 5, 6, 7};
  random.Shuffle(std::span(values));
  EXPECT_THAT(values, ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  double sum = 0, squares = 0;
  for (int i = 0; i < 20000; ++i) {
    const double x = random.Normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.04);
}

}  // namespace
}  // namespace openp5

#include "platform/base/output_folder.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kKind[] = "a test's output";

absl::Status Write(const std::string& path, const std::string& text) {
  return WriteMarkedFolder(path, kKind, [&](const std::string& inside) {
    OPENP5_RETURN_IF_ERROR(MakeDirectories(inside + "/sub"));
    OPENP5_RETURN_IF_ERROR(WriteFileAtomic(inside + "/sub/b", text));
    return WriteFileAtomic(inside + "/a", text);
  });
}
absl::Status Check(const std::string& path, const std::vector<std::string>& sources = {}) {
  return CheckOutputFolder(path, MarkedKind(kKind), sources);
}
size_t EntriesOf(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

// The working directory for the length of a test.
class InFolder {
 public:
  explicit InFolder(const std::string& folder) : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
  }
  ~InFolder() { std::filesystem::current_path(before_); }

 private:
  const std::filesystem::path before_;
};

TEST(OutputFolderTest, ReplacesOneOfItsKindAndNothingElse) {
  const TemporaryFolder folder;
  const std::string path = folder.File("out");
  OPENP5_EXPECT_OK(Check(path));
  OPENP5_ASSERT_OK(MakeDirectories(path));
  OPENP5_EXPECT_OK(Check(path)) << "empty";
  OPENP5_ASSERT_OK(Write(path, "one"));
  OPENP5_EXPECT_OK(Check(path));
  OPENP5_ASSERT_OK(Write(path, "two"));
  EXPECT_EQ(ReadFile(path + "/sub/b").value_or(""), "two");
  EXPECT_EQ(EntriesOf(folder.path()), 1u);
  EXPECT_TRUE(IsUsageError(CheckOutputFolder(path, MarkedKind("another kind"))));
}

TEST(OutputFolderTest, NamesTheFileThatIsNotOurs) {
  const TemporaryFolder folder;
  const std::string path = folder.File("out");
  for (const std::string stranger :
       {"thesis.txt", "sub/thesis.txt", ".hidden", "a2", "notes.tmp", "x.7.tmp"}) {
    std::filesystem::remove_all(path);
    OPENP5_ASSERT_OK(Write(path, "one"));
    OPENP5_ASSERT_OK(AppendToFile(JoinPath(path, stranger), "mine"));
    const absl::Status status = Check(path);
    EXPECT_TRUE(IsUsageError(status)) << stranger << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(stranger));
  }
  for (const std::string empty : {"mine", "sub/mine"}) {
    std::filesystem::remove_all(path);
    OPENP5_ASSERT_OK(Write(path, "one"));
    OPENP5_ASSERT_OK(MakeDirectories(JoinPath(path, empty)));
    EXPECT_TRUE(IsUsageError(Check(path))) << empty;
  }
  std::filesystem::remove_all(path);
  OPENP5_ASSERT_OK(MakeDirectories(path));
  OPENP5_ASSERT_OK(AppendToFile(path + "/thesis.txt", "mine"));
  EXPECT_THAT(Check(path), StatusIs(absl::StatusCode::kInvalidArgument,
                                    AllOf(HasSubstr("a folder with other files"),
                                          HasSubstr("thesis.txt"), HasSubstr(kKind))));
}

TEST(OutputFolderTest, RefusesTheRootTheWorkingDirectoryAndThoseAbove) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(Write(folder.File("above"), "one"));
  OPENP5_ASSERT_OK(MakeDirectories(folder.File("above/sub/here/below")));
  ASSERT_EQ(symlink(folder.File("above/sub/here").c_str(), folder.File("link").c_str()), 0);
  const InFolder here(folder.File("above/sub/here"));
  for (const std::string path :
       {std::string("/"), std::string("//"), std::string("/."), std::string("."), std::string("./"),
        std::string(".."), std::string("../.."), std::string("../../"), std::string("below/.."),
        std::string("../here"), folder.File("above"), folder.File("above/"), folder.path(),
        folder.File("link"), folder.File("link/")}) {
    EXPECT_TRUE(IsUsageError(Check(path))) << path;
  }
  OPENP5_EXPECT_OK(Check("below"));
  OPENP5_EXPECT_OK(Write("below/", "one"));
  OPENP5_EXPECT_OK(Write("missing/../other//", "one"));
  EXPECT_EQ(ReadFile("below/a").value_or("") + ReadFile("other/a").value_or(""), "oneone");
}

TEST(OutputFolderTest, ATrailingSlashOrALinkChangesNothing) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(Write(folder.File("fresh///"), "one"));
  EXPECT_EQ(ReadFile(folder.File("fresh/a")).value_or(""), "one");
  OPENP5_ASSERT_OK(Write(folder.File("fresh/"), "two"));
  EXPECT_EQ(ReadFile(folder.File("fresh/a")).value_or(""), "two");
  ASSERT_EQ(symlink("fresh", folder.File("link").c_str()), 0);
  OPENP5_EXPECT_OK(Check(folder.File("link")));
  OPENP5_ASSERT_OK(Write(folder.File("link"), "three"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.File("link")));
  EXPECT_EQ(ReadFile(folder.File("fresh/a")).value_or(""), "three");
  EXPECT_EQ(EntriesOf(folder.path()), 2u);
}

TEST(OutputFolderTest, RefusesWhatIsNoFolder) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(AppendToFile(folder.File("file"), "x"));
  ASSERT_EQ(symlink("nowhere", folder.File("dangling").c_str()), 0);
  ASSERT_EQ(mkfifo(folder.File("fifo").c_str(), 0600), 0);
  for (const std::string path :
       {folder.File("file"), folder.File("file/"), folder.File("file/x"), folder.File("file/x/y"),
        folder.File("dangling"), folder.File("fifo"), std::string("/dev/null"), std::string()}) {
    EXPECT_TRUE(IsUsageError(Check(path))) << path << ": " << Check(path);
    EXPECT_FALSE(Write(path, "x").ok()) << path;
  }
  EXPECT_EQ(ReadFile(folder.File("file")).value_or(""), "x");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.File("dangling")));
}

TEST(OutputFolderTest, RefusesASourceAndWhatHoldsIt) {
  const TemporaryFolder folder;
  const std::string path = folder.File("out");
  OPENP5_ASSERT_OK(Write(path, "one"));
  ASSERT_EQ(symlink("out/sub", folder.File("link").c_str()), 0);
  for (const std::string source : {path, path + "/", path + "/a", path + "/sub/b",
                                   folder.File("link/b"), folder.File("x/../out/a")}) {
    if (!FileExists(source)) continue;
    EXPECT_TRUE(IsUsageError(Check(path, {source}))) << source;
  }
  OPENP5_EXPECT_OK(Check(path, {folder.path(), folder.File("absent"), ""}));
}

// As root in a namespace of its own only; elsewhere nothing can be mounted.
class MountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_ASSERT_OK(MakeDirectories(point_));
    if (mount("none", point_.c_str(), "tmpfs", 0, nullptr) != 0) {
      GTEST_SKIP() << "needs the right to mount a file system";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) umount2(point_.c_str(), MNT_DETACH);
  }
  TemporaryFolder folder_;
  const std::string point_ = folder_.File("point");
  bool mounted_ = false;
};

TEST_F(MountTest, AnEmptyMountPointIsFilledAndAFullOneRefused) {
  OPENP5_EXPECT_OK(Check(point_));
  OPENP5_ASSERT_OK(Write(point_, "one"));
  EXPECT_EQ(ReadFile(point_ + "/sub/b").value_or(""), "one");
  EXPECT_EQ(EntriesOf(point_), 3u);
  EXPECT_THAT(Check(point_), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("mount")));
  EXPECT_FALSE(Write(point_, "two").ok());
  EXPECT_EQ(ReadFile(point_ + "/sub/b").value_or(""), "one");
  OPENP5_EXPECT_OK(Write(point_ + "/below", "two"));
}

TEST_F(MountTest, AFolderMountedASecondTimeIsAMountPointToo) {
  const std::string real = folder_.File("real");
  OPENP5_ASSERT_OK(Write(real, "one"));
  ASSERT_EQ(mount(real.c_str(), point_.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_TRUE(IsUsageError(Check(point_)));
  EXPECT_TRUE(IsUsageError(Check(real, {point_ + "/a"}))) << "a source by its other name";
  EXPECT_FALSE(Write(point_, "two").ok());
  EXPECT_EQ(ReadFile(real + "/a").value_or(""), "one");
  umount2(point_.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace openp5

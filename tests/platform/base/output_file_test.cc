#include "platform/base/output_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5 {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(lstat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(OutputFileTest, AppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const std::string path = folder.File("out"), long_text(3 << 20, 'x');
  {
    OPENP5_ASSERT_OK_AND_ASSIGN(OutputFile file, OutputFile::Open(path));
    OPENP5_ASSERT_OK(file.Write("lost"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  OPENP5_ASSERT_OK_AND_ASSIGN(OutputFile file, OutputFile::Open(path));
  OPENP5_ASSERT_OK(file.Write("a"));
  OPENP5_ASSERT_OK(file.Write(long_text));
  OPENP5_ASSERT_OK(file.Write("z"));
  EXPECT_FALSE(FileExists(path));
  OPENP5_ASSERT_OK(file.Commit());
  EXPECT_TRUE(ReadFile(path).value_or("") == "a" + long_text + "z");
}

TEST(OutputFileTest, PermissionsFollowTheUmaskAndThoseOfTheFileReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder.File("out");
  const mode_t before = umask(0027);
  OPENP5_EXPECT_OK(WriteFileAtomic(path, "one"));
  EXPECT_EQ(ModeOf(path), 0640u);
  for (const mode_t mode : {0600u, 0666u, 0444u}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    OPENP5_EXPECT_OK(WriteFileAtomic(path, "two"));
    EXPECT_EQ(ModeOf(path), mode);
  }
  OPENP5_EXPECT_OK(WriteDirectoryAtomic(folder.File("folder"),
                                        [](const std::string&) { return absl::OkStatus(); }));
  EXPECT_EQ(ModeOf(folder.File("folder")), 0750u);
  umask(before);
}

TEST(OutputFileTest, ALinkStaysAndItsTargetIsReplaced) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(MakeDirectories(folder.File("far")));
  OPENP5_ASSERT_OK(AppendToFile(folder.File("far/target"), "old"));
  ASSERT_EQ(symlink("far/target", folder.File("link").c_str()), 0);
  ASSERT_EQ(symlink("link", folder.File("second").c_str()), 0);
  ASSERT_EQ(symlink("far/new", folder.File("dangling").c_str()), 0);
  OPENP5_EXPECT_OK(WriteFileAtomic(folder.File("second"), "through two links"));
  OPENP5_EXPECT_OK(WriteFileAtomic(folder.File("dangling"), "made"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.File("link")));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.File("second")));
  EXPECT_EQ(ReadFile(folder.File("far/target")).value_or(""), "through two links");
  EXPECT_EQ(ReadFile(folder.File("far/new")).value_or(""), "made");
  ASSERT_EQ(symlink("loop", folder.File("loop").c_str()), 0);
  EXPECT_THAT(WriteFileAtomic(folder.File("loop"), "x"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("symbolic links")));
}

TEST(OutputFileTest, WritesThroughToWhatIsNoRegularFile) {
  const TemporaryFolder folder;
  const std::string fifo = folder.File("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = ReadFile(fifo).value_or("failed"); });
  OPENP5_EXPECT_OK(WriteFileAtomic(fifo, "through"));
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(fifo));
  OPENP5_EXPECT_OK(WriteFileAtomic("/dev/null", "nothing"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_THAT(WriteFileAtomic("/dev/full", "x"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("No space left")));
}

TEST(OutputFileTest, WritesToAnOpenDescriptorWhereItStands) {
  const TemporaryFolder folder;
  const std::string path = folder.File("log");
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, "first ", 6), 6);
  ASSERT_EQ(symlink(StrCat("/proc/self/fd/", fd).c_str(), folder.File("link").c_str()), 0);
  OPENP5_EXPECT_OK(WriteFileAtomic(StrCat("/dev/fd/", fd), "second "));
  OPENP5_EXPECT_OK(WriteFileAtomic(folder.File("link"), "third "));
  ASSERT_EQ(write(fd, "last", 4), 4);
  close(fd);
  EXPECT_EQ(ReadFile(path).value_or(""), "first second third last");
  EXPECT_THAT(WriteFileAtomic(StrCat("/dev/fd/", fd), "x"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/dev/fd/")));
  const int reading = open(path.c_str(), O_RDONLY);
  EXPECT_THAT(CheckOutputFiles({{"--out", StrCat("/proc/self/fd/", reading)}}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("open for reading")));
  close(reading);
}

TEST(OutputFileTest, RefusesWhatCannotBeAFileBeforeWorkBegins) {
  const TemporaryFolder folder;
  const std::string socket_path = folder.File("socket");
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  OPENP5_ASSERT_OK(AppendToFile(folder.File("file"), "x"));
  const auto refused = [&](const std::string& path) {
    const absl::Status status = CheckOutputFiles({{"--out", path}}, {});
    EXPECT_TRUE(IsUsageError(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--out: "));
    return std::string(status.message());
  };
  EXPECT_THAT(refused(socket_path), HasSubstr("got a socket"));
  EXPECT_THAT(refused(folder.path()), HasSubstr("got a folder"));
  EXPECT_THAT(refused(folder.File("new/")), HasSubstr("the name of a folder"));
  EXPECT_THAT(CheckOutputFiles({{"--out", folder.File("no/such")}}, {}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("--out: cannot create")));
  EXPECT_THAT(CheckOutputFiles({{"--out", folder.File("file/below")}}, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("Not a directory")));
  close(fd);
}

TEST(OutputFileTest, RefusesToReplaceWhatIsReadAndToWriteOneFileTwice) {
  const TemporaryFolder folder;
  OPENP5_ASSERT_OK(AppendToFile(folder.File("source"), "x"));
  ASSERT_EQ(symlink("source", folder.File("link").c_str()), 0);
  const std::vector<std::string> sources = {"", folder.File("absent"), folder.File("source")};
  for (const char* name : {"source", "link", "./source", "../source"}) {
    const std::string path = std::string(name).starts_with("..")
                                 ? folder.path() + "/../" + BaseName(folder.path()) + "/source"
                                 : folder.File(name);
    EXPECT_TRUE(IsUsageError(CheckOutputFiles({{"--out", path}}, sources))) << path;
  }
  OPENP5_EXPECT_OK(CheckOutputFiles({{"--out", folder.File("new")}}, sources));
  OPENP5_EXPECT_OK(CheckOutputFiles({{"--a", ""}, {"--b", ""}}, sources));
  OPENP5_EXPECT_OK(CheckOutputFiles({{"--a", "/dev/null"}, {"--b", "/dev/null"}}, sources));
  EXPECT_THAT(CheckOutputFiles({{"--a", folder.File("new")}, {"--b", folder.File("./new")}}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--b: "), HasSubstr("that of --a"))));
}

}  // namespace
}  // namespace openp5

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "platform/base/file.h"
#include "platform/storage/key_value_store.h"
#include "tests/testing/testing.h"

namespace openp5::storage {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Entries = std::vector<std::pair<std::string, std::string>>;

Entries Everything(const KeyValueStore& store, std::string_view prefix) {
  Entries found;
  OPENP5_EXPECT_OK(store.Scan(prefix, [&](std::string_view key, std::string_view value) {
    found.emplace_back(key, value);
    return absl::OkStatus();
  }));
  return found;
}

// A store of 2000 entries, closed again.
void Fill(const std::string& path) {
  OPENP5_ASSERT_OK_AND_ASSIGN(auto store, OpenRocksDb(path, OpenMode::kReadWrite));
  Entries entries;
  for (int i = 0; i < 2000; ++i) {
    entries.emplace_back(StrCat("key", i), std::string(50, static_cast<char>('a' + i % 26)));
  }
  OPENP5_ASSERT_OK(store->Write("", entries));
}

std::vector<std::string> FilesLike(const std::string& folder, const std::string& part) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (BaseName(path).find(part) != std::string::npos) files.push_back(path);
  }
  return files;
}

// What opening and reading everything says.
absl::Status ReadAll(const std::string& path) {
  OPENP5_ASSIGN_OR_RETURN(const auto store, OpenRocksDb(path, OpenMode::kReadOnly));
  return store->Scan("", [](std::string_view, std::string_view) { return absl::OkStatus(); });
}

TEST(RocksDbStoreTest, WritesReadsAndScansInByteOrder) {
  TemporaryFolder folder;
  const std::string binary("a\0\xFF", 3);
  OPENP5_ASSERT_OK_AND_ASSIGN(auto store, OpenRocksDb(folder.File("db"), OpenMode::kReadWrite));
  OPENP5_ASSERT_OK(store->Write("", {{"b", "2"}, {binary, "1"}, {"ab", std::string("\0x", 2)}}));
  EXPECT_EQ(*store->Get("b"), "2");
  EXPECT_EQ(*store->Get("ab"), std::string("\0x", 2));
  EXPECT_EQ(Everything(*store, "a"), (Entries{{binary, "1"}, {"ab", std::string("\0x", 2)}}));
  EXPECT_EQ(Everything(*store, "").size(), 3u);
  EXPECT_THAT(store->Get("c"), StatusIs(absl::StatusCode::kNotFound, HasSubstr(folder.File("db"))));
}

TEST(RocksDbStoreTest, ReplacesAPrefixAndNothingElse) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK_AND_ASSIGN(auto store, OpenRocksDb(folder.File("db"), OpenMode::kReadWrite));
  OPENP5_ASSERT_OK(store->Write("", {{"a1", "x"}, {"a2", "x"}, {"b", "x"}}));
  OPENP5_ASSERT_OK(store->Write("a", {{"a2", "y"}, {"c", "y"}}));
  EXPECT_EQ(Everything(*store, ""), (Entries{{"a2", "y"}, {"b", "x"}, {"c", "y"}}));
  const std::string high("\xFF", 1);
  EXPECT_THAT(store->Write(high, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(folder.File("db"))));
}

TEST(RocksDbStoreTest, ScanStopsAtTheVisitorsError) {
  TemporaryFolder folder;
  OPENP5_ASSERT_OK_AND_ASSIGN(auto store, OpenRocksDb(folder.File("db"), OpenMode::kReadWrite));
  OPENP5_ASSERT_OK(store->Write("", {{"a", "1"}, {"b", "2"}}));
  int visits = 0;
  EXPECT_THAT(store->Scan("",
                          [&](std::string_view, std::string_view) {
                            ++visits;
                            return DataLoss("enough");
                          }),
              StatusIs(absl::StatusCode::kDataLoss, "enough"));
  EXPECT_EQ(visits, 1);
}

TEST(RocksDbStoreTest, ManyReadersAtOnceAndOneWriter) {
  TemporaryFolder folder;
  const std::string path = folder.File("db");
  Fill(path);
  OPENP5_ASSERT_OK_AND_ASSIGN(auto one, OpenRocksDb(path, OpenMode::kReadOnly));
  OPENP5_ASSERT_OK_AND_ASSIGN(auto two, OpenRocksDb(path, OpenMode::kReadOnly));
  EXPECT_EQ(one->Get("key7")->size(), 50u);
  EXPECT_EQ(two->Get("key7")->size(), 50u);
  EXPECT_THAT(one->Write("", {{"a", "b"}}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(path), HasSubstr("reading only"))));
  OPENP5_ASSERT_OK_AND_ASSIGN(auto writer, OpenRocksDb(path, OpenMode::kReadWrite));
  EXPECT_THAT(OpenRocksDb(path, OpenMode::kReadWrite),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(path), HasSubstr("another process"))));
  OPENP5_EXPECT_OK(ReadAll(path));
}

TEST(RocksDbStoreTest, RefusesAStoreAnotherProcessHolds) {
  TemporaryFolder folder;
  const std::string path = folder.File("db");
  int opened[2], release[2];
  ASSERT_EQ(pipe(opened), 0);
  ASSERT_EQ(pipe(release), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(release[1]);
    const auto store = OpenRocksDb(path, OpenMode::kReadWrite);
    char byte = store.ok() ? 'y' : 'n';
    if (write(opened[1], &byte, 1) != 1) _exit(1);
    // Ends when the parent closes its side.
    if (read(release[0], &byte, 1) != 0) _exit(1);
    _exit(0);
  }
  close(release[0]);
  char byte = 0;
  ASSERT_EQ(read(opened[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_THAT(OpenRocksDb(path, OpenMode::kReadWrite),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(path), HasSubstr("another process"))));
  close(release[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(RocksDbStoreTest, NamesWhatIsThereInstead) {
  TemporaryFolder folder;
  EXPECT_THAT(OpenRocksDb(folder.File("absent"), OpenMode::kReadOnly),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(folder.File("absent"))));
  EXPECT_FALSE(FileExists(folder.File("absent")));
  OPENP5_ASSERT_OK(MakeDirectories(folder.File("empty")));
  EXPECT_THAT(OpenRocksDb(folder.File("empty"), OpenMode::kReadOnly),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("an empty one")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("file"), "x"));
  OPENP5_ASSERT_OK(MakeDirectories(folder.File("other")));
  OPENP5_ASSERT_OK(WriteFileAtomic(folder.File("other/notes.txt"), "x"));
  for (const OpenMode mode : {OpenMode::kReadOnly, OpenMode::kReadWrite}) {
    EXPECT_THAT(OpenRocksDb(folder.File("file"), mode),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(folder.File("file")), HasSubstr("got a file"))));
    EXPECT_THAT(OpenRocksDb(folder.File("other"), mode),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(folder.File("other")), HasSubstr("other files"))));
  }
  EXPECT_EQ(FilesLike(folder.File("other"), "").size(), 1u);
}

TEST(RocksDbStoreTest, AStoreWhoseMakingWasInterruptedIsMadeAnew) {
  TemporaryFolder folder;
  const std::string path = folder.File("db");
  OPENP5_ASSERT_OK(MakeDirectories(path));
  for (const char* name : {"LOCK", "IDENTITY", "MANIFEST-000001", "000001.dbtmp"}) {
    OPENP5_ASSERT_OK(WriteFileAtomic(JoinPath(path, name), ""));
    EXPECT_THAT(OpenRocksDb(path, OpenMode::kReadOnly),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("never finished")));
  }
  Fill(path);
  OPENP5_EXPECT_OK(ReadAll(path));
}

TEST(RocksDbStoreTest, AStoreThatIsBeingMadeIsNoDamagedOne) {
  TemporaryFolder folder;
  const std::string path = folder.File("db");
  OPENP5_ASSERT_OK(MakeDirectories(path));
  int locked[2], release[2];
  ASSERT_EQ(pipe(locked), 0);
  ASSERT_EQ(pipe(release), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(release[1]);
    const int fd = open((path + "/LOCK").c_str(), O_RDWR | O_CREAT, 0600);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    char byte = fcntl(fd, F_SETLK, &lock) == 0 ? 'y' : 'n';
    if (write(locked[1], &byte, 1) != 1) _exit(1);
    _exit(read(release[0], &byte, 1) == 0 ? 0 : 1);  // until the parent closes its side
  }
  close(release[0]);
  char byte = 0;
  ASSERT_EQ(read(locked[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_THAT(OpenRocksDb(path, OpenMode::kReadWrite),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another process")));
  EXPECT_THAT(OpenRocksDb(path, OpenMode::kReadOnly),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("another process is making it")));
  close(release[1]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  Fill(path);
}

TEST(RocksDbStoreTest, LeavesNoRunningLog) {
  TemporaryFolder folder;
  Fill(folder.File("db"));
  EXPECT_TRUE(FilesLike(folder.File("db"), "LOG").empty());
}

TEST(RocksDbStoreTest, FindsACutOffTable) {
  TemporaryFolder folder;
  const std::string path = folder.File("db");
  Fill(path);
  const auto tables = FilesLike(path, ".sst");
  ASSERT_EQ(tables.size(), 1u);
  std::filesystem::resize_file(tables[0], std::filesystem::file_size(tables[0]) / 2);
  EXPECT_THAT(ReadAll(path),
              StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr(path), Not(HasSubstr("\n")))));
}

TEST(RocksDbStoreTest, FindsAChangedByteOfATable) {
  TemporaryFolder folder;
  const std::string path = folder.File("db");
  Fill(path);
  const std::string table = FilesLike(path, ".sst").at(0);
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string sound, ReadFile(table));
  for (size_t at = 100; at < sound.size() * 3 / 4; at += sound.size() / 8) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    OPENP5_ASSERT_OK(WriteFileAtomic(table, damaged));
    EXPECT_THAT(ReadAll(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path))) << at;
  }
}

TEST(RocksDbStoreTest, FindsMissingAndDamagedBookkeeping) {
  for (const char* part : {".sst", "MANIFEST", "CURRENT"}) {
    TemporaryFolder folder;
    const std::string path = folder.File("db");
    Fill(path);
    std::filesystem::remove(FilesLike(path, part).at(0));
    EXPECT_THAT(ReadAll(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path))) << part;
  }
  TemporaryFolder folder;
  const std::string path = folder.File("db");
  Fill(path);
  OPENP5_ASSERT_OK(WriteFileAtomic(path + "/CURRENT", "nonsense"));
  EXPECT_THAT(ReadAll(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)));
}

}  // namespace
}  // namespace openp5::storage

#include "datasets/loaders/raw_files.h"

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/datasets/loaders/archives.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

class RawFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = folder_.File(name);
    EXPECT_TRUE(MakeDirectories(DirectoryName(path)).ok());
    EXPECT_TRUE(WriteFileAtomic(path, bytes).ok());
    return path;
  }
  // The text of file `name` of what lies at `path`.
  static absl::StatusOr<std::string> Read(const std::string& path, const std::string& name) {
    OPENP5_ASSIGN_OR_RETURN(const RawFiles files, RawFiles::Open(path));
    OPENP5_ASSIGN_OR_RETURN(const int file, files.Get(name));
    OPENP5_ASSIGN_OR_RETURN(const auto source, files.Read(file));
    std::string text;
    while (true) {
      OPENP5_ASSIGN_OR_RETURN(const std::string_view piece, source->Next());
      if (piece.empty()) return text;
      text += piece;
    }
  }
  static void ExpectText(const std::string& path, const std::string& name,
                         const std::string& expected) {
    OPENP5_ASSERT_OK_AND_ASSIGN(const std::string text, Read(path, name));
    EXPECT_TRUE(text == expected) << path << ": " << text.size() << " bytes";
  }

  const testing::TemporaryFolder folder_;
  // Longer than any buffer.
  const std::string long_ = [] {
    std::string text;
    for (int i = 0; i < 200000; ++i) text += std::to_string(i * 7919 % 100003) + "\n";
    return text;
  }();
};

TEST_F(RawFilesTest, ReadsTheSameTextFromEveryForm) {
  ExpectText(Write("1/a.txt", long_), "a.txt", long_);
  ExpectText(Write("2/a.txt.gz", Gzip(long_)), "a.txt", long_);
  ExpectText(Write("3/a.txt.gz", Gzip(long_.substr(0, 77)) + Gzip(long_.substr(77))), "a.txt",
             long_);
  const Members members = {{"d/", ""}, {"d/b.txt", "b"}, {"d/a.txt", long_}};
  ExpectText(Write("4.zip", Zip(members)), "a.txt", long_);
  ExpectText(Write("5.zip", Zip64(members)), "a.txt", long_);
  ExpectText(Write("6.tar", Tar(members)), "a.txt", long_);
  ExpectText(Write("7.tgz", Gzip(Tar(members))), "a.txt", long_);
  ExpectText(Write("8.zip", Zip({{"x/y.tar", Tar(members)}, {"x/l.pdf", "%PDF"}})), "a.txt", long_);
  ExpectText(Write("9.zip", Zip({{"x/y.tar", Gzip(Tar(members))}})), "a.txt", long_);
  ExpectText(Write("10.zip", Zip({{"a.txt.gz", Gzip(long_)}, {"c", ""}})), "a.txt", long_);
}

TEST_F(RawFilesTest, BytesDecideNotNames) {
  ExpectText(Write("1/a.txt.gz", long_), "a.txt", long_);
  ExpectText(Write("2/a.txt", Gzip(long_)), "a.txt", long_);
  ExpectText(Write("3/data.tar", Gzip(Tar({{"a.txt", long_}}))), "a.txt", long_);
  ExpectText(Write("4/data.txt", Zip({{"a.txt", long_}, {"b.txt", ""}})), "a.txt", long_);
  ExpectText(Write("5/empty", ""), "empty", "");
}

TEST_F(RawFilesTest, TextMayBeginLikeAnArchive) {
  for (const std::string text : {"PK,user,item\n1,2,3\n", "PK", "BZh9 x\n", "\x1f",
                                 "\xfd"
                                 "7zXZ"}) {
    ExpectText(Write("a.txt", text), "a.txt", text);
  }
}

TEST_F(RawFilesTest, MembersMayHaveNamesInAnyWriting) {
  const Members members = {{"d/donn\u00e9es \u4e16.txt", "A"}, {"b.txt", "B"}};
  for (const std::string& archive : {Zip(members), Tar(members), Gzip(Tar(members))}) {
    const std::string path = Write("archive", archive);
    ExpectText(path, "b.txt", "B");
    ExpectText(path, "donn\u00e9es \u4e16.txt", "A");
  }
}

TEST_F(RawFilesTest, FindsFilesInFoldersAndSaysWhatThereIs) {
  Write("raw/d/a.txt", "A");
  Write("raw/b.txt.gz", Gzip("B"));
  Write("raw/e/a2.txt", "A2");
  const std::string raw = folder_.File("raw");
  ExpectText(raw, "a.txt", "A");
  ExpectText(raw, "b.txt", "B");
  EXPECT_THAT(Read(raw, "c.txt"),
              StatusIs(Code::kNotFound, raw + ": expected c.txt, got b.txt, a.txt, a2.txt"));
  Write("raw/f/a.txt", "other");
  EXPECT_THAT(Read(raw, "a.txt"),
              StatusIs(Code::kInvalidArgument, StrCat(raw, ": expected one a.txt, got ", raw,
                                                      "/d/a.txt and ", raw, "/f/a.txt")));
  EXPECT_THAT(Read(folder_.File("none"), "a"),
              StatusIs(Code::kNotFound, folder_.File("none") + ": no such file or folder"));
  const std::string zip = Write("z.zip", Zip({{"p", ""}, {"q", ""}}));
  EXPECT_THAT(Read(zip, "a.txt"), StatusIs(Code::kNotFound, zip + ": expected a.txt, got p, q"));
}

TEST_F(RawFilesTest, LooksIntoArchivesOfAFolder) {
  Write("raw/x.zip", Zip({{"d/a.txt", "packed"}, {"d/b.txt", "B"}}));
  const std::string raw = folder_.File("raw");
  ExpectText(raw, "a.txt", "packed");
  Write("raw/d/a.txt", "unpacked");
  ExpectText(raw, "a.txt", "unpacked");
  ExpectText(raw, "b.txt", "B");
  const std::string odd = Write("raw/c.txt", Zip({{"c.txt", "C"}}));
  EXPECT_THAT(Read(raw, "c.txt"), StatusIs(Code::kInvalidArgument,
                                           odd + ": expected a file, got an archive; unpack it, "
                                                 "or name it .zip or .tar"));
}

TEST_F(RawFilesTest, TheOnlyFileMayHaveAnyName) {
  ExpectText(Write("mine.dat", "A"), "a.txt", "A");
  ExpectText(Write("mine.zip", Zip({{"mine.dat", "A"}})), "a.txt", "A");
}

TEST_F(RawFilesTest, DamagedGzipIsRefusedWithItsOffset) {
  const std::string good = Gzip(long_);
  std::string wrong = good;
  wrong[wrong.size() - 6] ^= 1;
  const std::string crc = Write("crc.gz", wrong);
  EXPECT_THAT(Read(crc, ""), StatusIs(Code::kDataLoss, AllOf(HasSubstr(crc + ": offset "),
                                                             HasSubstr("incorrect data check"))));
  const std::string cut = Write("cut.gz", good.substr(0, good.size() - 3));
  EXPECT_THAT(Read(cut, ""),
              StatusIs(Code::kDataLoss,
                       StrCat(cut, ": offset ", good.size() - 3,
                              ": gzip: expected more compressed data, got the end; is the file "
                              "complete?")));
  const std::string more = Write("more.gz", good + "garbage");
  EXPECT_THAT(Read(more, ""),
              StatusIs(Code::kDataLoss, StrCat(more, ": offset ", good.size(),
                                               ": gzip: expected the end, got more bytes; is the "
                                               "file complete?")));
}

TEST_F(RawFilesTest, AShortFileCutOffIsNotTakenForAnEmptyOne) {
  const std::string good = Gzip("a\nb\n");
  for (size_t size = 2; size < good.size(); ++size) {
    const std::string cut = Write("cut.gz", good.substr(0, size));
    EXPECT_THAT(Read(cut, ""),
                StatusIs(Code::kDataLoss,
                         StrCat(cut, ": offset ", size,
                                ": gzip: expected more compressed data, got the end; is the file "
                                "complete?")));
  }
}

TEST_F(RawFilesTest, DamagedArchivesAreRefused) {
  std::string zip = Zip({{"a.txt", long_}, {"b", ""}});
  zip[zip.size() / 2] ^= 1;
  EXPECT_THAT(Read(Write("flip.zip", zip), "a.txt"), StatusIs(Code::kDataLoss, HasSubstr("a.txt")));
  const std::string whole = Zip({{"a.txt", long_}, {"b", ""}});
  const std::string cut = Write("cut.zip", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(Read(cut, "a.txt"),
              StatusIs(Code::kDataLoss, AllOf(HasSubstr(cut), HasSubstr(": offset "),
                                              HasSubstr("; is the file complete?"))));
  const std::string tar = Tar({{"a.txt", long_}, {"b", ""}});
  EXPECT_THAT(Read(Write("cut.tar", tar.substr(0, 5000)), "a.txt"),
              StatusIs(Code::kDataLoss, HasSubstr("cut.tar")));
}

TEST_F(RawFilesTest, DangerousMembersAreRefused) {
  for (const std::string name : {"../a.txt", "d/../../a.txt", "/a.txt"}) {
    const std::string path = Write("bad.tar", Tar({{"b", ""}, {name, ""}}));
    EXPECT_THAT(RawFiles::Open(path),
                StatusIs(Code::kInvalidArgument,
                         path + ": expected members inside the archive, got '" + name + "'"));
    EXPECT_THAT(RawFiles::Open(Write("bad.zip", Zip({{"b", ""}, {name, ""}}))),
                StatusIs(Code::kInvalidArgument,
                         HasSubstr(": expected members inside the archive, got '" + name + "'")));
  }
  const std::string twice = Write("twice.tar", Tar({{"a", "1"}, {"a", "2"}}));
  EXPECT_THAT(
      RawFiles::Open(twice),
      StatusIs(Code::kInvalidArgument, twice + ": expected every member once, got 'a' twice"));
  std::string deep = Tar({{"a", ""}});
  for (int i = 0; i < 4; ++i) deep = Tar({{"x.tar", deep}});
  EXPECT_THAT(RawFiles::Open(Write("deep.tar", deep)),
              StatusIs(Code::kInvalidArgument, HasSubstr("nested at most 3 deep")));
}

TEST_F(RawFilesTest, AnEncryptedArchiveIsRefused) {
  const std::string plain = Zip({{"a.txt", "abc"}, {"b", ""}});
  // General purpose flag 0 of the local header and of the directory entry: encrypted.
  std::string locked = plain;
  locked[6] |= 1;
  const size_t entry = locked.find("PK\x01\x02");
  ASSERT_NE(entry, std::string::npos);
  locked[entry + 8] |= 1;
  const std::string path = Write("locked.zip", locked);
  EXPECT_THAT(RawFiles::Open(path),
              StatusIs(Code::kInvalidArgument,
                       path + ": a.txt: expected a file that is not encrypted; decrypt it first"));
}

TEST_F(RawFilesTest, DescribesTheFilesOnDisk) {
  const std::string zip = Zip({{"a.txt", "A"}, {"b.txt", "B"}});
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawFiles files, RawFiles::Open(Write("x.zip", zip)));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto described, files.Describe({0, 1}));
  ASSERT_EQ(described.size(), 1u);
  EXPECT_EQ(described[0].name, "x.zip");
  EXPECT_EQ(described[0].bytes, static_cast<int64_t>(zip.size()));
  EXPECT_EQ(described[0].sha256, Sha256Of(zip));
}

}  // namespace
}  // namespace openp5::datasets

#include "checkpoints/stored_zip.h"

#include "tests/checkpoints/torch_bytes.h"

namespace openp5::checkpoints {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

TEST(StoredZipTest, ReadsRecords) {
  for (const bool zip64 : {false, true}) {
    const std::string bytes = MakeZip({{"b", "two"}, {"a/b", ""}}, {.zip64 = zip64});
    OPENP5_ASSERT_OK_AND_ASSIGN(const StoredZip zip, StoredZip::Open(bytes, "file"));
    EXPECT_EQ(zip.records().size(), 2u);
    EXPECT_EQ(*zip.Read("b"), "two");
    EXPECT_EQ(*zip.Read("a/b"), "");
    EXPECT_THAT(zip.Read("c"), StatusIs(Code::kDataLoss, HasSubstr("file: record 'c'")));
  }
}

TEST(StoredZipTest, ACommentMayFollow) {
  std::string bytes = MakeZip({{"a", "one"}});
  bytes.replace(bytes.size() - 2, 2, Little(3, 2) + "PK\5");
  OPENP5_EXPECT_OK(StoredZip::Open(bytes, "file"));
}

TEST(StoredZipTest, CompressedRecordsAreRefused) {
  EXPECT_THAT(StoredZip::Open(MakeZip({{"a", "one"}}, {.method = 8}), "file"),
              StatusIs(Code::kInvalidArgument, HasSubstr("record 'a': expected a stored record")));
}

TEST(StoredZipTest, ChangedContentIsFound) {
  std::string bytes = MakeZip({{"a", "one"}});
  bytes[bytes.find("one")] = 'O';
  OPENP5_ASSERT_OK_AND_ASSIGN(const StoredZip zip, StoredZip::Open(bytes, "file"));
  EXPECT_THAT(zip.Read("a"), StatusIs(Code::kDataLoss, HasSubstr("expected CRC-32")));
}

TEST(StoredZipTest, RecordsMayNotRepeatOrOverlap) {
  EXPECT_THAT(StoredZip::Open(MakeZip({{"a", "one"}, {"a", "two"}}), "file"),
              StatusIs(Code::kDataLoss, HasSubstr("got it twice")));
  // The second directory entry is made to point at the first record.
  std::string bytes = MakeZip({{"a", "one"}, {"b", "two"}});
  const size_t second = bytes.rfind("PK\1\2");
  bytes.replace(second + 42, 4, Little(0, 4));
  bytes.replace(second + 46, 1, "a");
  EXPECT_FALSE(StoredZip::Open(bytes, "file").ok());
  // A record whose content holds the header of another.
  const std::string inner = MakeZip({{"b", "two"}});
  bytes = MakeZip({{"a", inner}, {"b", "two"}});
  bytes.replace(bytes.rfind("PK\1\2") + 42, 4, Little(bytes.find("PK\3\4", 1), 4));
  EXPECT_THAT(StoredZip::Open(bytes, "file"), StatusIs(Code::kDataLoss, HasSubstr("overlap")));
}

TEST(StoredZipTest, SizesBeyondTheFileAreRefused) {
  std::string bytes = MakeZip({{"a", "one"}}, {.zip64 = true});
  const size_t extra = bytes.rfind("PK\1\2") + 46 + 1 + 4;
  bytes.replace(extra, 16, Little(1ULL << 62, 8) + Little(1ULL << 62, 8));
  EXPECT_THAT(StoredZip::Open(bytes, "file"),
              StatusIs(Code::kDataLoss, HasSubstr("expected 4611686018427387904 bytes")));
}

}  // namespace
}  // namespace openp5::checkpoints

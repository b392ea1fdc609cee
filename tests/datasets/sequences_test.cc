#include "datasets/sequences.h"

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<SequenceDataset> Parse(std::string_view text) {
  return SequenceDataset::Parse("Toy", text, "u.txt");
}

void ExpectFailure(std::string_view text, const std::string& message) {
  EXPECT_THAT(Parse(text), StatusIs(absl::StatusCode::kInvalidArgument, message));
}

TEST(SequenceDataset, NumbersUsersAndItemsByFirstAppearance) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto data, Parse("7 b a c\n03 c d b b\n"));
  EXPECT_EQ(data.name(), "Toy");
  EXPECT_EQ(data.digest(), Sha256Of("7 b a c\n03 c d b b\n"));
  EXPECT_EQ(data.user_count(), 2);
  EXPECT_EQ(data.item_count(), 4);
  EXPECT_EQ(data.interaction_count(), 7);
  EXPECT_THAT(data.Sequence(0), ElementsAre(0, 1, 2));
  EXPECT_THAT(data.Sequence(1), ElementsAre(2, 3, 0, 0));
  EXPECT_THAT(data.TrainPart(1), ElementsAre(2, 3));
  EXPECT_EQ(data.UserId(1), "03");
  EXPECT_EQ(data.ItemId(3), "d");
  EXPECT_EQ(data.FindUser("03"), 1);
  EXPECT_EQ(data.FindUser("3"), std::nullopt);
  EXPECT_EQ(data.FindItem("a"), 1);
  EXPECT_EQ(data.FindItem("e"), std::nullopt);
}

TEST(SequenceDataset, AcceptsAMissingFinalNewline) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto data, Parse("1 a b c\n2 a b c"));
  EXPECT_EQ(data.user_count(), 2);
}

TEST(SequenceDataset, OpensAFolderByItsName) {
  const TemporaryFolder folder;
  const std::string path = folder.File("Toy");
  OPENP5_ASSERT_OK(MakeDirectories(path));
  EXPECT_THAT(SequenceDataset::Open(path),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("Toy/user_sequence.txt")));
  OPENP5_ASSERT_OK(WriteFileAtomic(path + "/user_sequence.txt", "1 a b c\n"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto data, SequenceDataset::Open(path + "/"));
  EXPECT_EQ(data.name(), "Toy");
  EXPECT_EQ(data.item_count(), 3);
}

TEST(SequenceDataset, RefusesMalformedLines) {
  ExpectFailure("", "user sequences: u.txt: expected lines `user item item …`, got an empty file");
  ExpectFailure("1 a b c\n2 a  b c\n",
                "user sequences: u.txt:2: expected ids separated by single blanks, got nothing");
  ExpectFailure("1 a b c \n",
                "user sequences: u.txt:1: expected ids separated by single blanks, got nothing");
  ExpectFailure("1 a b c\n\n2 a b c\n",
                "user sequences: u.txt:2: expected ids separated by single blanks, got nothing");
  ExpectFailure("1 a b c\n2 a b c\n1 a b d\n",
                "user sequences: u.txt:3: expected every user once, got '1' again; first in line "
                "1");
  ExpectFailure("1 a b c\n2 a b\n",
                "user sequences: u.txt:2: expected at least 3 items, got 2 of user '2'; one is for "
                "test, one for validation, the rest for training");
  ExpectFailure("1 a\tb c d\n",
                "user sequences: u.txt:1: expected ids separated by single blanks without blanks "
                "and control characters, got 'a\\tb'");
  ExpectFailure(std::string_view("1 a b \0\n", 8),
                "user sequences: u.txt:1: expected text, got a NUL byte in column 7; is the file "
                "complete?");
}

TEST(SequenceDataset, IdsAreUtf8AndLinesMayBeLong) {
  EXPECT_EQ(Parse("é a b 世\n")->ItemId(2), "世");
  ExpectFailure("1 a b \xe9\n",
                "user sequences: u.txt:1: expected ids separated by single blanks in UTF-8, got "
                "'\\351'");
  std::string line = "u";
  while (line.size() < (size_t{10} << 20)) line += " item_" + std::to_string(line.size() % 1000);
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto data, Parse(line));
  EXPECT_EQ(data.user_count(), 1);
  EXPECT_GT(data.interaction_count(), 1'000'000);
}

class ItemTitles : public ::testing::Test {
 protected:
  absl::StatusOr<std::unordered_map<std::string, std::string>> Read(const std::string& text) {
    EXPECT_THAT(WriteFileAtomic(folder_.File("item_metadata.jsonl"), text), testing::IsOk());
    return ReadItemTitles(folder_.path());
  }
  TemporaryFolder folder_;
};

TEST_F(ItemTitles, AreOptional) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto titles, ReadItemTitles(folder_.path()));
  EXPECT_TRUE(titles.empty());
}

TEST_F(ItemTitles, AreReadByItem) {
  OPENP5_ASSERT_OK_AND_ASSIGN(
      const auto titles,
      Read("{\"item\":\"7\",\"title\":\"Caf\\u00e9\"}\n{\"title\":\"B\",\"item\":\"07\",\"x\":1}"));
  EXPECT_EQ(titles.size(), 2u);
  EXPECT_EQ(titles.at("7"), "Café");
  EXPECT_EQ(titles.at("07"), "B");
}

TEST_F(ItemTitles, RefuseMalformedLines) {
  for (const std::string bad :
       {"{\"item\":\"7\"", "[]", "7", "{\"item\":7,\"title\":\"A\"}", "{\"item\":\"7\"}", ""}) {
    EXPECT_THAT(Read("{\"item\":\"1\",\"title\":\"A\"}\n" + bad + "\n"),
                StatusIs(absl::StatusCode::kDataLoss,
                         HasSubstr("item_metadata.jsonl:2: expected a JSON object with texts "
                                   "\"item\" and \"title\", got '")))
        << bad;
  }
}

}  // namespace
}  // namespace openp5::datasets

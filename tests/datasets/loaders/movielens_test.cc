#include "datasets/loaders/movielens.h"

#include "platform/base/digest.h"
#include "platform/base/file.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A line of u.item with the first two genres as given.
std::string Item(const std::string& id, const std::string& title, const std::string& date,
                 const std::string& flags) {
  std::string line = id + "|" + title + "|" + date + "||http://x/" + id + "|" + flags;
  for (int i = 0; i < 17; ++i) line += "|0";
  return line + "\n";
}

class MovieLens : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    OPENP5_ASSERT_OK(MakeDirectories(DirectoryName(folder_.File(name))));
    OPENP5_ASSERT_OK(WriteFileAtomic(folder_.File(name), text));
  }
  absl::StatusOr<RawDataset> Load() { return MovieLens100K().load({.raw = folder_.path()}); }
  // Of the last line of a u.data whose first is right.
  void ExpectBadRating(const std::string& line, const std::string& message) {
    Write("u.data", "1\t2\t3\t4\n" + line + "\n");
    EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kInvalidArgument,
                                 "ml-100k: " + folder_.File("u.data") + ":2: " + message));
  }
  void ExpectBadItem(const std::string& line, const std::string& message) {
    Write("u.data", "1\t2\t3\t4\n");
    Write("u.item", Item("1", "A", "", "0|0") + line + "\n");
    EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kInvalidArgument,
                                 "ml-100k: " + folder_.File("u.item") + ":2: " + message));
  }
  testing::TemporaryFolder folder_;
};

TEST_F(MovieLens, ReadsRatingsInFileOrder) {
  const std::string text = "7\t3\t1\t881250949\r\n 8 \t3\t5\t0\n7\t4\t5\t12";
  Write("u.data", text);
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load());
  EXPECT_THAT(raw.interactions.user, ElementsAre(0, 1, 0));
  EXPECT_THAT(raw.interactions.item, ElementsAre(0, 0, 1));
  EXPECT_THAT(raw.interactions.time, ElementsAre(881250949, 0, 12));
  EXPECT_EQ(raw.interactions.users.Id(1), "8");
  EXPECT_THAT(raw.items, IsEmpty());
  ASSERT_EQ(raw.files.size(), 1u);
  EXPECT_EQ(raw.files[0].name, "u.data");
  EXPECT_EQ(raw.files[0].bytes, static_cast<int64_t>(text.size()));
  EXPECT_EQ(raw.files[0].sha256, Sha256Of(text));
}

TEST_F(MovieLens, FindsTheFolderOfTheArchive) {
  Write("ml-100k/u.data", "1\t2\t3\t4\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load());
  EXPECT_EQ(raw.interactions.size(), 1u);
}

TEST_F(MovieLens, NamesWhatItSought) {
  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kNotFound,
                               "ml-100k: " + folder_.path() + ": expected u.data, got nothing"));
}

TEST_F(MovieLens, RefusesMalformedRatings) {
  const std::string fields =
      "expected 4 fields `user item rating timestamp` separated by tabs, got ";
  ExpectBadRating("1\t2\t3", fields + "3 fields in '1\\t2\\t3'");
  ExpectBadRating("1\t2\t3\t4\t5", fields + "5 fields in '1\\t2\\t3\\t4\\t5'");
  ExpectBadRating("1::2::3::4", fields + "1 field in '1::2::3::4'");
  ExpectBadRating("", fields + "1 field in ''");
  ExpectBadRating("user\t2\t3\t4", "expected a user number, got 'user'");
  ExpectBadRating("1\t\t3\t4", "expected an item number, got ''");
  ExpectBadRating("1\t2\t6\t4", "expected a rating from 1 to 5, got '6'");
  ExpectBadRating("1\t2\t3\t-4", "expected a timestamp in seconds, not negative, got '-4'");
  ExpectBadRating("1\t2\t3\t4.5", "expected a timestamp in seconds, not negative, got '4.5'");
  ExpectBadRating("1\t2\t3\t99999999999999999999",
                  "expected a timestamp in seconds, not negative, got '99999999999999999999'");
}

TEST_F(MovieLens, KnowsAHeaderAndTheNextRelease) {
  ExpectBadRating(
      "user\titem\trating\ttime",
      "expected a user number, got 'user'; the line looks like a header, which the file "
      "should not have");
  std::filesystem::remove(folder_.File("u.data"));
  Write("ml-20m/ratings.csv", "");
  Write("ml-20m/movies.csv", "");
  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kNotFound,
                               "ml-100k: " + folder_.path() +
                                   ": expected u.data, got movies.csv, ratings.csv"));
}

TEST_F(MovieLens, TwoItemsMayHaveOneTitle) {
  Write("u.data", "1\t2\t3\t4\n");
  Write("u.item", Item("1", "A", "", "0|0") + Item("2", "A", "", "0|0"));
  EXPECT_EQ(Load()->items.size(), 2u);
}

TEST_F(MovieLens, ReadsTitlesInLatin1AndGenres) {
  Write("u.data", "1\t2\t3\t4\n");
  Write("u.genre", "unknown|0\nAction|1\n\n");
  Write("u.item",
        Item("1", "Caf\xe9, (un) (1999)", "01-Jan-1999", "1|1") + Item("2", "unknown", "", "0|0"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load());
  ASSERT_EQ(raw.items.size(), 2u);
  EXPECT_EQ(raw.items[0].item, "1");
  EXPECT_EQ(raw.items[0].title, "Café, (un) (1999)");
  EXPECT_THAT(raw.items[0].more,
              ElementsAre(std::pair<std::string, std::string>("release_date", "01-Jan-1999")));
  EXPECT_THAT(raw.items[0].categories, ElementsAre("unknown", "Action"));
  EXPECT_THAT(raw.items[1].more, IsEmpty());
  EXPECT_THAT(raw.items[1].categories, IsEmpty());
  EXPECT_EQ(raw.files.size(), 3u);
}

TEST_F(MovieLens, KeepsTheFirstOfTwoDescriptions) {
  Write("u.data", "1\t2\t3\t4\n");
  Write("u.item",
        Item("1", "A", "", "0|0") + Item("1", "A", "", "0|0") + Item("1", "B", "", "0|0"));
  ::testing::internal::CaptureStderr();
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load());
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr("u.item:3: item 1 is described again and otherwise; the first "
                                 "description is kept"));
  EXPECT_THAT(written, ::testing::Not(HasSubstr("u.item:2")));
  ASSERT_EQ(raw.items.size(), 1u);
  EXPECT_EQ(raw.items[0].title, "A");
}

TEST_F(MovieLens, RefusesMalformedItems) {
  ExpectBadItem("2|B", "expected 24 fields separated by '|', got 2 fields in '2|B'");
  ExpectBadItem("2\tB", "expected 24 fields separated by '|', got 1 field in '2\\tB'");
  std::string line = Item("x", "B", "", "0|0");
  line.pop_back();
  ExpectBadItem(line, "expected an item number, got 'x'");
  line = Item("2", "B", "", "0|2");
  line.pop_back();
  ExpectBadItem(line, "expected a genre flag 0 or 1, got '2'");
}

TEST_F(MovieLens, RefusesMalformedGenres) {
  Write("u.data", "1\t2\t3\t4\n");
  Write("u.item", Item("1", "A", "", "0|0"));
  Write("u.genre", "unknown|0\nAction|2\n");
  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("u.genre:2: expected `genre|1`, got 'Action|2'")));
}

}  // namespace
}  // namespace openp5::datasets

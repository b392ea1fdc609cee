#include "datasets/loaders/movielens.h"
#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class MovieLens1MTest : public RawTest {
 protected:
  const DatasetPreset preset_ = MovieLens1M();
};

TEST_F(MovieLens1MTest, ReadsRatingsAndMovies) {
  Write("ml-1m/ratings.dat", "1::1193::5::978300760\r\n1::07::3::978300760\n6040::1193::1::9");
  Write("ml-1m/movies.dat",
        "1193::Caf\xe9: The End: (1975)::Drama\n07::Two: (1990)::Comedy|War\n8::Odd::\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(preset_));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("1", "1193", 978300760), Row("1", "07", 978300760),
                                     Row("6040", "1193", 9)));
  ASSERT_EQ(raw.items.size(), 3u);
  EXPECT_EQ(raw.items[0].title, "Café: The End: (1975)");
  EXPECT_THAT(raw.items[1].categories, ElementsAre("Comedy", "War"));
  EXPECT_THAT(raw.items[2].categories, IsEmpty());
  ASSERT_EQ(raw.files.size(), 2u);
}

TEST_F(MovieLens1MTest, RefusesMalformedLines) {
  const std::string where = "ml-1m: " + Raw("ratings.dat") + ":2: ";
  Write("ratings.dat", "1::2::3::4\n1\t2\t3\t4\n");
  ExpectBad(preset_, where +
                         "expected 4 fields `user::item::rating::timestamp`, got 1 field in "
                         "'1\\t2\\t3\\t4'");
  Write("ratings.dat", "1::2::3::4\n1::2::3");
  ExpectBad(preset_, where +
                         "expected 4 fields `user::item::rating::timestamp`, got 3 fields in "
                         "'1::2::3'; is the file cut off?");
  Write("ratings.dat", "1::2::3::4\n1::2::0::4\n");
  ExpectBad(preset_, where + "expected a rating from 1 to 5, got '0'");
  Write("ratings.dat", "1::2::3::4\n");
  Write("movies.dat", "1|Title|Drama\n");
  ExpectBad(preset_, "ml-1m: " + Raw("movies.dat") +
                         ":1: expected 3 fields `id::title::genres`, got 1 field in "
                         "'1|Title|Drama'");
}

TEST_F(MovieLens1MTest, SkipsAsManyBadLinesAsAsked) {
  Write("ratings.dat", "1::2::3::4\nx::2::3::4\n1::2::3\n1::3::4::5\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(preset_, 2));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("1", "2", 4), Row("1", "3", 5)));
  EXPECT_THAT(Load(preset_, 1),
              testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                "ml-1m: " + Raw("ratings.dat") +
                                    ":3: expected 4 fields `user::item::rating::timestamp`, got 3 "
                                    "fields in '1::2::3'; more than --max-bad-lines 1"));
}

TEST_F(MovieLens1MTest, ShowsTheFirstFiveBadLinesAndCountsAll) {
  std::string text = "1::2::3::4\n";
  for (int i = 0; i < 7; ++i) text += StrCat("bad", i, "\n");
  Write("ratings.dat", text);
  ::testing::internal::CaptureStderr();
  OPENP5_EXPECT_OK(Load(preset_, 7));
  const std::string written = ::testing::internal::GetCapturedStderr();
  const std::string skipped = "warning: ml-1m: skipped: " + Raw("ratings.dat");
  EXPECT_THAT(written, HasSubstr(skipped + ":2: expected 4 fields"));
  EXPECT_THAT(written, HasSubstr(skipped + ":6: expected 4 fields"));
  EXPECT_THAT(written, Not(HasSubstr(skipped + ":7: ")));
  EXPECT_THAT(written, HasSubstr("warning: ml-1m: 7 bad line(s) skipped"));
}

}  // namespace
}  // namespace openp5::datasets

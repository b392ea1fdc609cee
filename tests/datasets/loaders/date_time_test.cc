#include "datasets/loaders/date_time.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;

const TextLines& Lines() {
  static const TextLines lines("", "f");
  return lines;
}

TEST(ParseDateTimeTest, IsUtc) {
  EXPECT_EQ(*ParseDateTime("1970-01-01", Lines()), 0);
  EXPECT_EQ(*ParseDateTime("2019-01-01 00:00:00", Lines()), 1546300800);
  EXPECT_EQ(*ParseDateTime("2019-12-31T00:00:00Z", Lines()), 1577750400);
  EXPECT_EQ(*ParseDateTime("2020-02-29 23:59:59", Lines()), 1583020799);
  EXPECT_EQ(*ParseDateTime("1969-12-31 23:59:59", Lines()), -1);
}

TEST(ParseDateTimeTest, RefusesOtherPatternsAndDatesThatDoNotExist) {
  for (const std::string text :
       {"", "2019-02-30", "2019-13-01", "2019-1-1", "2019/01/01", "01.01.2019",
        "2019-01-01 24:00:00", "2019-01-01 00:60:00", "2019-01-01 00:00:00+01:00",
        "2019-01-01_00:00:00", "-019-01-01", "2019-01-01 00:00"}) {
    EXPECT_THAT(
        ParseDateTime(text, Lines()),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 "f:0: expected a date `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS` in UTC, got '" + text +
                     "'"));
  }
}

TEST(FormatDateTest, IsTheDayInUtc) {
  EXPECT_EQ(FormatDate(0), "1970-01-01");
  EXPECT_EQ(FormatDate(-1), "1969-12-31");
  EXPECT_EQ(FormatDate(1583020799), "2020-02-29");
  EXPECT_EQ(FormatDate(1583020800), "2020-03-01");
  EXPECT_EQ(FormatDate(1'600'000'000'000), "52671-12-25");  // milliseconds taken for seconds
}

}  // namespace
}  // namespace openp5::datasets

#include "datasets/table/timestamps.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

constexpr int64_t kMilli = 1000, kMicro = 1'000'000, kNano = 1'000'000'000;
// 2014-04-07 00:00:00 and 10:51:00 in UTC.
constexpr int64_t kDay = 1396828800, kMinute = kDay + 10 * 3600 + 51 * 60;

TEST(ParseUnixTimeTest, NumbersInTheirUnit) {
  EXPECT_EQ(ParseUnixTime("1600000000", 1), (Moment{1600000000, 0}));
  EXPECT_EQ(ParseUnixTime(" 1600000000.25 ", 1), (Moment{1600000000, 250'000'000}));
  EXPECT_EQ(ParseUnixTime("1.60000000025e9", 1), (Moment{1600000000, 250'000'000}));
  EXPECT_EQ(ParseUnixTime("1.5E+3", 1), (Moment{1500, 0}));
  EXPECT_EQ(ParseUnixTime("15000e-1", 1), (Moment{1500, 0}));
  EXPECT_EQ(ParseUnixTime("1600000000.123456789", 1), (Moment{1600000000, 123'456'789}));
  EXPECT_EQ(ParseUnixTime("1600000000.1234567899", 1), (Moment{1600000000, 123'456'789}));
  EXPECT_EQ(ParseUnixTime("1000000000000.0", kMilli), (Moment{1000000000, 0}));
  EXPECT_EQ(ParseUnixTime("1000000000000.5", kMilli), (Moment{1000000000, 500'000}));
  EXPECT_EQ(ParseUnixTime("1e12", kMilli), (Moment{1000000000, 0}));
  EXPECT_EQ(ParseUnixTime("1000000000000001", kMicro), (Moment{1000000000, 1000}));
  EXPECT_EQ(ParseUnixTime("1000000000000000001", kNano), (Moment{1000000000, 1}));
  EXPECT_EQ(ParseUnixTime("1000000000000000001.0", kNano), (Moment{1000000000, 1}));
  EXPECT_EQ(ParseUnixTime("0", 1), (Moment{0, 0}));
  EXPECT_EQ(ParseUnixTime("0.0", kMilli), (Moment{0, 0}));
  EXPECT_EQ(ParseUnixTime("0.000", 1), (Moment{0, 0}));
  EXPECT_EQ(ParseUnixTime("5.", 1), (Moment{5, 0}));
}

TEST(ParseUnixTimeTest, TimesBefore1970AreRoundedDown) {
  EXPECT_EQ(ParseUnixTime("-1", 1), (Moment{-1, 0}));
  EXPECT_EQ(ParseUnixTime("-1.0", 1), (Moment{-1, 0}));
  EXPECT_EQ(ParseUnixTime("-0.25", 1), (Moment{-1, 750'000'000}));
  EXPECT_EQ(ParseUnixTime("-1500", kMilli), (Moment{-2, 500'000'000}));
  EXPECT_EQ(ParseUnixTime("-1500.0", kMilli), (Moment{-2, 500'000'000}));
  EXPECT_EQ(ParseUnixTime("-9223372036854775808", kNano), (Moment{-9223372037, 145'224'192}));
  EXPECT_EQ(ParseUnixTime("-9223372036854775808", 1), (Moment{INT64_MIN, 0}));
}

TEST(ParseUnixTimeTest, WhatIsNoNumberOrTooLarge) {
  for (const std::string text :
       {"", " ", ".", "-", "nan", "inf", "0x10", "1 000", "1e", "1e+", "1.5.5", "--1", "+5", "5s",
        "1e400", "1e999999999999", "99999999999999999999", "1_000"}) {
    EXPECT_EQ(ParseUnixTime(text, 1), std::nullopt) << text;
  }
  EXPECT_EQ(ParseUnixTime("1e-400", 1), (Moment{0, 0}));
}

TEST(ParseDateTest, TheWaysPeopleWriteADate) {
  const auto is = [](const std::string& text, int64_t seconds, int32_t nanoseconds = 0) {
    const auto moment = ParseDate(text);
    EXPECT_TRUE(moment.ok() && *moment == (Moment{seconds, nanoseconds}))
        << text << " " << moment.status() << " " << (moment.ok() ? moment->seconds - kDay : 0);
  };
  for (const std::string day : {"2014-04-07", "2014/04/07", "2014/4/7", "2014.04.07", "20140407"}) {
    is(day, kDay);
    is(day + " 10:51", kMinute);
    is(day + "T10:51", kMinute);
    is(day + " 10:51:01", kMinute + 1);
    is(day + "T10:51:01.277Z", kMinute + 1, 277'000'000);
    is(day + "T10:51:01,277", kMinute + 1, 277'000'000);
    is(day + " 10:51:01.123456789", kMinute + 1, 123'456'789);
    is(day + "T10:51:01.1234567899Z", kMinute + 1, 123'456'789);
    is(day + " 10:51:01 UTC", kMinute + 1);
    is(day + "T10:51:01+02:00", kMinute + 1 - 7200);
    is(day + "T10:51:01+0530", kMinute + 1 - 5 * 3600 - 1800);
    is(day + " 10:51:01 -0330", kMinute + 1 + 3 * 3600 + 1800);
    is(day + "T10:51+02", kMinute - 7200);
    is(day + "T10:51:01.5-00:00", kMinute + 1, 500'000'000);
  }
  is("20140407T105101", kMinute + 1);
  is("20140407T1051", kMinute);
  is("20140407 105101Z", kMinute + 1);
  is("20140407105101", kMinute + 1);
  is("20140407105101.25", kMinute + 1, 250'000'000);
  is("2014-04-07 9:05", kDay + 9 * 3600 + 300);
  is("2014-04-07 00:30:00+01:00", kDay - 1800);
  is(" 1969-12-31 23:59:59.75 ", -1, 750'000'000);
  is("0001-01-01", -62135596800);
  is("9999-12-31", 253402214400);
}

TEST(ParseDateTest, RefusesWhatIsNoDate) {
  for (const std::string text : {"",
                                 "x",
                                 "2019-02-30",
                                 "2019-13-01",
                                 "2019-00-01",
                                 "2019-01-00",
                                 "20190230",
                                 "2019-01/01",
                                 "2019-01",
                                 "2019",
                                 "201901",
                                 "2019-01-01 ",
                                 "2019-01-01T",
                                 "2019-01-01 24:00:00",
                                 "2019-01-01 00:60:00",
                                 "2019-01-01 00:00:60",
                                 "2019-01-01_00:00:00",
                                 "-019-01-01",
                                 "2019-01-01 10",
                                 "2019-01-01 10:5",
                                 "2019-01-01 10:51:1",
                                 "2019-01-01 10:51:01.",
                                 "2019-01-01 10:51:01 CET",
                                 "2019-01-01 10:51:01+2",
                                 "2019-01-01 10:51:01+02:0",
                                 "2019-01-01 10:51:01+16:00",
                                 "2019-01-01 10:51:01+02:60",
                                 "2019-01-01 10:51:01Zx",
                                 "2019-01-01 10:51 PM",
                                 "1600000000",
                                 "1546300800000",
                                 "5",
                                 "201901011",
                                 "Apr 7, 2014"}) {
    if (text == "2019-01-01 ") continue;  // a blank at the end is ignored
    EXPECT_THAT(ParseDate(text),
                StatusIs(Code::kInvalidArgument,
                         AllOf(HasSubstr("expected a date such as 2014-04-07"),
                               HasSubstr("got '" + text + "'"), HasSubstr("--time-format"))))
        << text;
  }
}

TEST(ParseDateTest, SaysWhereDayAndMonthCannotBeToldApart) {
  for (const std::string text : {"04/07/2014", "4/7/14 10:51", "13.12.2014", "07-04-2014"}) {
    EXPECT_THAT(ParseDate(text), StatusIs(Code::kInvalidArgument,
                                          AllOf(HasSubstr("which may begin with the day or the "
                                                          "month; hint: --time-format '%d"),
                                                HasSubstr("got '" + text + "'"))))
        << text;
  }
}

TEST(ParseDateAsTest, FollowsTheFormat) {
  const auto is = [](const std::string& text, const std::string& format, int64_t seconds,
                     int32_t nanoseconds = 0) {
    const auto moment = ParseDateAs(text, format);
    EXPECT_TRUE(moment.ok() && *moment == (Moment{seconds, nanoseconds}))
        << text << " " << moment.status() << " " << (moment.ok() ? moment->seconds - kDay : 0);
  };
  is("07.04.2014 10:51", "%d.%m.%Y %H:%M", kMinute);
  is("7.4.2014 10:51", "%d.%m.%Y %H:%M", kMinute);
  is("04/07/2014", "%m/%d/%Y", kDay);
  is("04/07/2014", "%d/%m/%Y", 1404432000);  // 4 July
  is("4/7/14", "%m/%d/%y", kDay);
  is("07-Apr-2014 10:51:01 PM", "%d-%b-%Y %I:%M:%S %p", kMinute + 1 + 12 * 3600);
  is("April 7, 2014", "%B %d, %Y", kDay);
  is("2014-04-07 10:51:01.277", "%Y-%m-%d %H:%M:%S.%f", kMinute + 1, 277'000'000);
  is("Mon Apr 07 10:51:01 +0200 2014", "%a %b %d %H:%M:%S %z %Y", kMinute + 1 - 7200);
  is("07.04.2014 10:51 +05:30", "%d.%m.%Y %H:%M %z", kMinute - 5 * 3600 - 1800);
  is("07.04.2014 10:51 Z", "%d.%m.%Y %H:%M %z", kMinute);
  is("100% 2014", "100%% %Y", 1388534400);
}

TEST(ParseDateAsTest, RefusesWhatTheFormatDoesNotSay) {
  for (const std::string text :
       {"", "07.04.2014", "07.04.14 10:51", "30.02.2014 10:51", "07.13.2014 10:51",
        "07.04.2014 10:51:01", "07.04.2014 24:51", "infinite-future", "x"}) {
    EXPECT_THAT(ParseDateAs(text, "%d.%m.%Y %H:%M"),
                StatusIs(Code::kInvalidArgument,
                         "expected a date as '%d.%m.%Y %H:%M', got '" + text + "'"));
  }
}

TEST(CheckDateFormatTest, NeedsAYearAndNoZoneName) {
  for (const char* format : {"%Y", "%d.%m.%y", "%D", "%F %T", "%s"}) {
    OPENP5_EXPECT_OK(CheckDateFormat(format));
  }
  for (const char* format : {"", "%d.%m.", "%%Y", "YYYY-MM-DD", "%Y %Z"}) {
    const absl::Status status = CheckDateFormat(format);
    EXPECT_TRUE(IsUsageError(status)) << format;
    EXPECT_THAT(status, StatusIs(Code::kInvalidArgument, HasSubstr("time-format: expected")));
  }
}

}  // namespace
}  // namespace openp5::datasets

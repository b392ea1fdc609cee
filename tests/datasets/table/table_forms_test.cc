// The forms that users' own files come in: ids, times, headers, separators, histories.
#include <array>

#include "datasets/table/table.h"
#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Code = absl::StatusCode;

constexpr int64_t kMicro = 1'000'000, kNano = 1'000'000'000;

class TableFormsTest : public RawTest {
 protected:
  absl::StatusOr<RawDataset> LoadAs(const std::string& format, const TableOptions& options = {},
                                    int64_t max_bad_lines = 0) {
    OPENP5_ASSIGN_OR_RETURN(const DatasetPreset preset, TablePreset(format, options));
    return preset.load({.raw = Raw("t"), .max_bad_lines = max_bad_lines});
  }
  std::vector<Row> RowsOf(const std::string& format, const std::string& text,
                          const TableOptions& options = {}) {
    Write("t", text);
    const auto raw = LoadAs(format, options);
    EXPECT_THAT(raw, testing::IsOk()) << text;
    return raw.ok() ? Rows(*raw) : std::vector<Row>();
  }
  // `message` follows the file's name.
  void ExpectRefused(const std::string& format, const std::string& text, const std::string& message,
                     const TableOptions& options = {}) {
    Write("t", text);
    const auto raw = LoadAs(format, options);
    ASSERT_FALSE(raw.ok()) << text;
    EXPECT_THAT(ToStd(raw.status().message()), HasSubstr(Raw("t") + message)) << text;
  }
  // Times of a csv with these as the only column of times, and how many of them make a second.
  std::pair<std::vector<int64_t>, int64_t> Times(const std::vector<std::string>& texts,
                                                 const TableOptions& options) {
    std::string text = "user_id,item_id,timestamp\n";
    for (const std::string& time : texts) text += "u,i,\"" + time + "\"\n";
    Write("t", text);
    const auto raw = LoadAs("csv", options);
    EXPECT_THAT(raw, testing::IsOk());
    if (!raw.ok()) return {};
    const auto& column = raw->interactions.time;
    return {{column.begin(), column.end()}, raw->time_units_per_second.value_or(-1)};
  }
  static TableOptions Unit(const std::string& unit) {
    TableOptions options;
    options.time_unit = unit;
    return options;
  }
  static TableOptions Untimed() {
    TableOptions options;
    options.time_col = "";
    return options;
  }
};

TEST_F(TableFormsTest, JsonNumbersAreIdsInTheDigitsTheyAreWrittenIn) {
  std::string text;
  const std::array ids = {"9223372036854775807",
                          "9223372036854775808",
                          "18446744073709551614",
                          "18446744073709551615",
                          "18446744073709551616",
                          "340282366920938463463",
                          "340282366920938463464",
                          "-9223372036854775809",
                          "12",
                          "12.0",
                          "1.2e1",
                          "1e3",
                          "9007199254740993.0",
                          "9007199254740992.0",
                          "0.5"};
  for (const std::string id : ids) {
    text += "{\"x\": [\"user_id\", {\"user_id\": 1.5}], \"user_id\" : " + id +
            " ,\"item\\u005fid\":" + id + ", \"timestamp\": 1.5}\n";
  }
  const std::vector<Row> rows = RowsOf("jsonl", text);
  ASSERT_EQ(rows.size(), ids.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i], Row(ids[i], ids[i], 1'500'000));
  }
  // A literal's numbers are known as doubles: what they cannot tell apart is refused.
  ExpectRefused("jsonl", "{'user_id': 18446744073709551615, 'item_id': 'a', 'timestamp': 1}\n",
                ":1: expected a text or a number of at most 64 bits as \"user_id\"");
}

TEST_F(TableFormsTest, WhatStandsForAMissingValueIsNoId) {
  for (const std::string id : {"nan", "NaN", "-nan", "NULL", "null", "None", "NA", "N/A", "n/a",
                               "<NA>", "NaT", "#N/A", "\\N", "(null)", "1.#IND", "-1.#QNAN"}) {
    const std::string text = "user_id,item_id,timestamp\nu,i,1\n" + id + ",j,2\nv," + id + ",3\n";
    ExpectRefused("csv", text,
                  ":3: column 'user_id': expected a user id, got '" + Excerpt(id) +
                      "', which stands for a missing value; hint: --literal-ids takes it");
    Write("t", text);
    EXPECT_THAT(LoadAs("csv", {}, 2)->interactions.size(), 1u);
    TableOptions literal;
    literal.literal_ids = true;
    EXPECT_THAT(
        RowsOf("csv", text, literal),
        ElementsAre(Row("u", "i", kMicro), Row(id, "j", 2 * kMicro), Row("v", id, 3 * kMicro)));
  }
  ExpectRefused("jsonl", "{\"user_id\": \"u\", \"item_id\": \"None\", \"timestamp\": 1}\n",
                ":1: key 'item_id': expected an item id, got 'None'");
  // Ids that only begin like one.
  EXPECT_THAT(RowsOf("csv", "user_id,item_id\nnana,Nonesuch\nN,nul\n", Untimed()), SizeIs(2));
}

TEST_F(TableFormsTest, BlankIdsAndQuotedOnesAreRefused) {
  const std::string expected = ": expected an item id without blanks and control characters, got '";
  for (const std::string id : {" i", "i ", " ", "\xc2\xa0", "i\xc2\xa0", "\xe3\x80\x80i",
                               "a\xe2\x80\x8b", "\xef\xbb\xbfi"}) {
    ExpectRefused("csv", "user_id,item_id\nu,i\nu," + id + "\n",
                  ":3: column 'item_id'" + expected + Excerpt(id), Untimed());
  }
  ExpectRefused("csv", "user_id,item_id\nu,\"\"\n",
                ":2: column 'item_id': expected an item id, got nothing", Untimed());
  ExpectRefused("jsonl", "{\"user_id\": \"u\", \"item_id\": null}\n",
                ":1: expected a value as \"item_id\", got nothing", Untimed());
  // CSV takes quotes off, a table without quotes does not.
  EXPECT_THAT(RowsOf("csv", "user_id,item_id\nu,\"a\"\nu,a\n", Untimed()),
              ElementsAre(Row("u", "a", 0), Row("u", "a", 0)));
  ExpectRefused("tsv", "user_id\titem_id\nu\t\"a\"\n",
                ":2: column 'item_id': expected an item id without quotes, got '\\\"a\\\"'; hint: "
                "csv with --separator tab takes them off",
                Untimed());
  EXPECT_THAT(RowsOf("jsonl", "{\"user_id\": 7, \"item_id\": \"\\u0037\"}\n", Untimed()),
              ElementsAre(Row("7", "7", 0)));
}

TEST_F(TableFormsTest, AColumnThatComesTwiceIsRefused) {
  ExpectRefused("csv", "user_id,item_id,timestamp,item_id\nu,a,1,b\n",
                ":1: expected one column 'item_id', got more than one in user_id, item_id, "
                "timestamp, item_id");
  ExpectRefused("csv", "user_id, user_id ,item_id\nu,v,b\n", ":1: expected one column 'user_id'",
                Untimed());
  ExpectRefused("inter", "user_id:token\titem_id:token\titem_id:float\nu\ta\t1\n",
                ":1: expected one column 'item_id'", Untimed());
  ExpectRefused("jsonl", "{\"user_id\": 1, \"item_id\": 2, \"item_id\": 3}\n",
                ":1: expected key 'item_id' once", Untimed());
  // Others may come twice, as the nameless ones of spreadsheets do.
  EXPECT_THAT(RowsOf("csv", "user_id,item_id,,\nu,a,1,2\n", Untimed()), SizeIs(1));
  Write("items", "item_id,title,title\na,A,B\n");
  TableOptions described = Untimed();
  described.items = Raw("items");
  Write("t", "user_id,item_id\nu,a\n");
  const auto twice =
      StatusIs(Code::kFailedPrecondition, HasSubstr("items:1: expected one column 'title'"));
  EXPECT_THAT(LoadAs("csv", described), twice);
  described.title_col = "";
  described.category_col = "title";
  EXPECT_THAT(LoadAs("csv", described), twice);
}

TEST_F(TableFormsTest, AMissingKeyIsNamedWithThoseThereAre) {
  ExpectRefused("jsonl", "{\"user\": 1, \"item_id\": 2, \"when\": 3}\n",
                ":1: expected a key 'user_id', got item_id, user, when");
  ExpectRefused("jsonl", "{\"user_id\": 1, \"item_id\": 2, \"timestamp\": 3}\n{}\n",
                ":2: expected a key 'user_id', got none");
  Write("t",
        "{\"user_id\": 1, \"item_id\": 2}\n"
        "{\"user_id\": 1, \"item_id\": 2, \"timestamp\": 3}\n");
  EXPECT_EQ(LoadAs("jsonl", {}, 1)->interactions.size(), 1u);
}

TEST_F(TableFormsTest, DatesOfAllForms) {
  const std::vector<std::string> texts = {"2014-04-07T10:51:01Z",     "2014-04-07 12:51:01+02:00",
                                          "2014-04-07T16:21:01+0530", "2014/04/07 10:51:01",
                                          "20140407T105101",          "2014-04-07T10:51:01.000",
                                          "2014-04-07 10:51:01 UTC",  "20140407105101"};
  for (const char* unit : {"iso", "auto"}) {
    const auto [times, units] = Times(texts, Unit(unit));
    EXPECT_EQ(units, 1);
    EXPECT_EQ(times, std::vector<int64_t>(texts.size(), 1396867861));
  }
  EXPECT_EQ(Times({"2014-04-07 10:51", "2014-04-07"}, Unit("auto")).first,
            (std::vector<int64_t>{1396867860, 1396828800}));
  // Digits alone may be both.
  EXPECT_EQ(Times({"20140407"}, Unit("iso")).first, std::vector<int64_t>{1396828800});
  EXPECT_EQ(Times({"20140407"}, Unit("s")).first, std::vector<int64_t>{20140407 * kMicro});
  ExpectRefused("csv", "user_id,item_id,timestamp\nu,i,20140407\n",
                ":2: column 'timestamp': expected seconds or a date, got '20140407', which may be "
                "both; hint: --time-unit iso or --time-unit s");
  EXPECT_EQ(Times({"20149999", "12345678"}, Unit("auto")).second, kMicro);
}

TEST_F(TableFormsTest, TheOrderWithinASecondIsKept) {
  const auto fractions = Times({"2014-04-07T10:51:01.277Z", "2014-04-07T10:51:01.2770001Z",
                                "2014-04-07T10:51:01.276999999Z", "2014-04-07"},
                               Unit("iso"));
  EXPECT_EQ(fractions.second, kNano);
  const int64_t second = 1396867861 * kNano;
  EXPECT_EQ(fractions.first, (std::vector<int64_t>{second + 277'000'000, second + 277'000'100,
                                                   second + 276'999'999, 1396828800 * kNano}));
  EXPECT_EQ(Times({"1000000000000.0", "1000000001000"}, Unit("ms")),
            (std::pair(std::vector<int64_t>{1000000000000, 1000000001000}, int64_t{1000})));
  EXPECT_EQ(Times({"1000000000000", "1000000000000.5", "1e12"}, Unit("ms")),
            (std::pair(std::vector<int64_t>{1000000000 * kNano, 1000000000 * kNano + 500'000,
                                            1000000000 * kNano},
                       kNano)));
  EXPECT_EQ(Times({"1000000000000001.0"}, Unit("us")),
            (std::pair(std::vector<int64_t>{1000000000000001}, kMicro)));
  EXPECT_EQ(Times({"1000000000000000001"}, Unit("ns")),
            (std::pair(std::vector<int64_t>{1000000000000000001}, kNano)));
  EXPECT_EQ(Times({"1600000000.1234567", "1600000000.1234568"}, Unit("s")).first,
            (std::vector<int64_t>{1600000000123456700, 1600000000123456800}));
  Write("t", "user_id,item_id,timestamp\nu,i,9999-12-31\nu,i,2014-04-07 10:51:01.5\n");
  EXPECT_THAT(LoadAs("csv"), StatusIs(Code::kInvalidArgument, HasSubstr("the years 1678 to 2261")));
}

TEST_F(TableFormsTest, TimesThatCannotBeReadSayWhatWouldHelp) {
  const std::string head = "user_id,item_id,timestamp\nu,i,";
  ExpectRefused("csv", head + "04/07/2014\n",
                ":2: column 'timestamp': expected a date with the year first, got '04/07/2014', "
                "which may begin with the day or the month; hint: --time-format '%d/%m/%Y' or "
                "'%m/%d/%Y'",
                Unit("iso"));
  ExpectRefused("csv", head + "2014-04-07\n",
                ":2: column 'timestamp': expected a timestamp in seconds of 64 bits as "
                "microseconds, got '2014-04-07'; hint: --time-unit iso reads dates",
                Unit("s"));
  ExpectRefused("csv", head + "13.12.2014 10:51\n",
                ":2: column 'timestamp': expected a date with the year first, got "
                "'13.12.2014 10:51', which may begin with the day or the month; hint: "
                "--time-format '%d.%m.%Y' or '%m.%d.%Y', with ' %H:%M:%S' where a time follows");
  ExpectRefused("csv", head + "5\nu,i,2014-04-07\n",
                ":3: column 'timestamp': expected a timestamp in seconds");
  ExpectRefused("csv", head + "2014-04-07\nu,i,5\n",
                ":3: column 'timestamp': expected a date such as 2014-04-07");
  TableOptions own;
  own.time_format = "%d.%m.%Y %H:%M";
  EXPECT_EQ(Times({"07.04.2014 10:51", "7.4.2014 10:52"}, own),
            (std::pair(std::vector<int64_t>{1396867860, 1396867920}, int64_t{1})));
  ExpectRefused("csv", head + "2014-04-07 10:51\n",
                ":2: column 'timestamp': expected a date as '%d.%m.%Y %H:%M', got "
                "'2014-04-07 10:51'",
                own);
  own.time_unit = "ms";
  EXPECT_TRUE(IsUsageError(TablePreset("csv", own).status()));
}

TEST_F(TableFormsTest, FilesWithoutAHeaderHaveNumbersAsColumns) {
  const std::string text = "u0,i0,5.0,1000000000\nu0,i1,5.0,1000000001\n";
  TableOptions options;
  options.no_header = true;
  options.user_col = "1";
  options.item_col = "2";
  options.time_col = "4";
  EXPECT_THAT(RowsOf("csv", text, options), ElementsAre(Row("u0", "i0", 1000000000 * kMicro),
                                                        Row("u0", "i1", 1000000001 * kMicro)));
  ExpectRefused("csv", text + "u0,i1\n", ":3: expected 4 fields as in the first line, got 2",
                options);
  ExpectRefused("csv", text + "u0,NULL,5.0,1\n", ":3: column 2: expected an item id, got 'NULL'",
                options);
  options.time_col = "timestamp";
  ExpectRefused("csv", text,
                ":1: expected a column 'timestamp', got u0, i0, 5.0, 1000000000; with --no-header "
                "the columns are called 1 to 4",
                options);
  ExpectRefused("csv", text,
                ":1: expected a column 'user_id', got u0, i0, 5.0, 1000000000; name the columns by "
                "--user-col, --item-col, --time-col, …; a file without a header is read with "
                "--no-header and columns by number: --user-col 1 --item-col 2 …");
  for (const char* format : {"jsonl", "inter"}) {
    EXPECT_TRUE(IsUsageError(TablePreset(format, options).status()));
  }
}

TEST_F(TableFormsTest, AnySeparator) {
  const auto expected = ElementsAre(Row("u", "a", 5 * kMicro), Row("v", "b", 6 * kMicro));
  const auto with = [](const std::string& separator) {
    TableOptions options;
    options.separator = separator;
    return options;
  };
  for (const std::string mark : {";", "|", "::", "\t", "~|~"}) {
    const std::string text = StrCat("user_id", mark, "item_id", mark, "timestamp\nu", mark, "a",
                                    mark, "5\nv", mark, "b", mark, "6\n");
    EXPECT_THAT(RowsOf("csv", text, with(mark)), expected) << mark;
    EXPECT_THAT(RowsOf("tsv", text, with(mark)), expected) << mark;
  }
  EXPECT_THAT(RowsOf("csv", "user_id\titem_id\ttimestamp\nu\t\"a\"\t5\nv\tb\t6\n", with("tab")),
              expected);
  EXPECT_THAT(
      RowsOf("csv", "user_id;x;item_id;timestamp\n\"u\";\"1;\"\"2\";a;5\nv;;b;6\n", with(";")),
      expected);
  const std::string runs = "  user_id item_id   timestamp\nu \t a 5 \n   v  b  6\n";
  for (const char* format : {"csv", "tsv"}) {
    for (const char* name : {" ", "space"}) {
      EXPECT_THAT(RowsOf(format, runs, with(name)), expected);
    }
  }
  EXPECT_THAT(
      RowsOf("inter", "user_id:token,item_id:token,timestamp:float\nu,a,5\nv,b,6\n", with(",")),
      expected);
  ExpectRefused("csv", "user_id;item_id;timestamp\nu;a;5\n",
                ":1: expected a column 'user_id', got user_id;item_id;timestamp; the file may have "
                "another separator: --separator ';'");
  ExpectRefused("csv", "user_id;item_id;timestamp\n\"u\"x;a;5\n",
                ":2: expected ';' after a closing quote, got 'x;a;5'", with(";"));
  EXPECT_TRUE(IsUsageError(TablePreset("jsonl", with(";")).status()));
  EXPECT_TRUE(IsUsageError(TablePreset("csv", with("\"")).status()));
}

TEST_F(TableFormsTest, BlankLinesLineEndsAndMarksDoNotMatter) {
  const auto expected = ElementsAre(Row("u", "a", 5 * kMicro), Row("v", "b", 6 * kMicro));
  EXPECT_THAT(RowsOf("csv",
                     "\xef\xbb\xbfuser_id,item_id,timestamp\r\n\r\nu,a,5\r\n  \r\n"
                     "v,b,6\r\n\r\n"),
              expected);
  EXPECT_THAT(RowsOf("tsv", "\nuser_id\titem_id\ttimestamp\nu\ta\t5\n\nv\tb\t6\n\n"), expected);
  EXPECT_THAT(RowsOf("jsonl",
                     "\xef\xbb\xbf{\"user_id\": \"u\", \"item_id\": \"a\", \"timestamp\": 5}\n\n"
                     "{\"user_id\": \"v\", \"item_id\": \"b\", \"timestamp\": \"6\"}\n\n"),
              expected);
  EXPECT_THAT(RowsOf("csv", "user_id,x,item_id,timestamp\nu,\"1\n\n2\",a,5\nv,,b,6\n"), expected);
  ExpectRefused("csv", std::string("\xff\xfeu\0s\0", 6), ":1: expected UTF-8, got UTF-16");
}

// RecBole's augmented sequences: every row repeats what its user had before.
TEST_F(TableFormsTest, HistoriesOfAtomicFiles) {
  const std::string head =
      "user_id:token\titem_id_list:token_seq\titem_id:token\ttimestamp:float\n";
  EXPECT_THAT(RowsOf("inter", head + "a\t11 10\t12\t5\nb\t\t14\t6\na\t11 10 12\t13\t7\n"
                                     "a\t12 13\t11\t7\nb\t14\t11\t8\n"),
              ElementsAre(Row("a", "11", 5 * kMicro), Row("a", "10", 5 * kMicro),
                          Row("a", "12", 5 * kMicro), Row("b", "14", 6 * kMicro),
                          Row("a", "13", 7 * kMicro), Row("a", "11", 7 * kMicro),
                          Row("b", "11", 8 * kMicro)));
  const std::string timed =
      "user_id:token\titem_id_list:token_seq\ttimestamp_list:float_seq\titem_id:token\t"
      "timestamp:float\n";
  EXPECT_THAT(RowsOf("inter", timed + "a\t11 10\t1 2.5\t12\t5\na\t11 10 12\t1 2.5 5\t13\t7\n"),
              ElementsAre(Row("a", "11", kMicro), Row("a", "10", 2'500'000),
                          Row("a", "12", 5 * kMicro), Row("a", "13", 7 * kMicro)));
  ExpectRefused("inter", timed + "a\t11 10\t1\t12\t5\n",
                ":2: column 'timestamp_list': expected 2 times, one an item of 'item_id_list', "
                "got 1");
  ExpectRefused("inter", head + "a\t11\t12\t5\na\t11 13\t14\t6\n",
                ":3: column 'item_id_list': expected the items that the user's rows before have, "
                "'11 12', got '11 13'; hint: all rows of a user are needed, the oldest first");
  ExpectRefused("inter", head + "a\t11\t12\t5\na\t11 12\t14\t4\n",
                ":3: column 'timestamp': expected a time not before the user's row before, got 4 "
                "after 5");
  ExpectRefused("inter", head + "a\t11 NULL\t12\t5\n",
                ":2: column 'item_id_list': expected an item id, got 'NULL'");
  ExpectRefused("inter", "user_id:token\titem_id:token_seq\na\t1 2\n",
                ":1: column 'item_id': expected one value a row, got the type token_seq",
                Untimed());
  TableOptions rated;
  rated.rating_col = "timestamp";
  ExpectRefused("inter", head + "a\t11\t12\t5\n",
                ":1: column 'item_id_list': expected no --rating-col", rated);
}

TEST_F(TableFormsTest, CategoriesOfAtomicFilesAreLists) {
  Write("t", "user_id:token\titem_id:token\nu\ta\n");
  Write("items", "item_id:token\tname:token_seq\tclass:token_seq\na\tThe A\tDrama War\n");
  TableOptions options = Untimed();
  options.items = Raw("items");
  options.title_col = "name";
  options.category_col = "class";
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, LoadAs("inter", options));
  ASSERT_EQ(raw.items.size(), 1u);
  EXPECT_EQ(raw.items[0].title, "The A");
  EXPECT_THAT(raw.items[0].categories, ElementsAre("Drama", "War"));
}

TEST_F(TableFormsTest, DescriptionsThatDifferAreWarnedOfFiveTimes) {
  std::string rows = "user_id,item_id,title\n";
  for (int i = 0; i < 12; ++i) rows += StrCat("u", i, ",a,T", i, "\n");
  Write("t", rows);
  TableOptions options = Untimed();
  options.items = Raw("t");
  ::testing::internal::CaptureStderr();
  OPENP5_EXPECT_OK(LoadAs("csv", options));
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr(":7: item a is described again and otherwise"));
  EXPECT_THAT(written, ::testing::Not(HasSubstr(":8: item a")));
  EXPECT_THAT(written, HasSubstr("11 lines describe an item again and otherwise; the first "
                                 "description of each item is kept"));
}

TEST_F(TableFormsTest, ItemsOfAFileWithoutAHeaderHaveAColumnOfTheirOwn) {
  Write("t", "u,a\n");
  Write("items", "a,The A\n");
  TableOptions options = Untimed();
  options.no_header = true;
  options.user_col = "1";
  options.item_col = "2";
  options.items = Raw("items");
  options.items_item_col = "1";
  options.title_col = "2";
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, LoadAs("csv", options));
  ASSERT_EQ(raw.items.size(), 1u);
  EXPECT_EQ(raw.items[0].title, "The A");
}

}  // namespace
}  // namespace openp5::datasets

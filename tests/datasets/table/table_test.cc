#include "datasets/table/table.h"

#include "platform/base/random.h"
#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

class TableTest : public RawTest {
 protected:
  absl::StatusOr<RawDataset> LoadAs(const std::string& format, const TableOptions& options = {},
                                    int64_t max_bad_lines = 0) {
    OPENP5_ASSIGN_OR_RETURN(const DatasetPreset preset, TablePreset(format, options));
    return preset.load({.raw = Raw("t"), .max_bad_lines = max_bad_lines});
  }
  std::vector<Row> RowsAs(const std::string& format, const TableOptions& options = {}) {
    const auto raw = LoadAs(format, options);
    EXPECT_THAT(raw, testing::IsOk());
    return raw.ok() ? Rows(*raw) : std::vector<Row>();
  }
  void ExpectFailure(const std::string& format, const std::string& text, const std::string& message,
                     const TableOptions& options = {}) {
    Write("t", text);
    EXPECT_THAT(LoadAs(format, options),
                StatusIs(Code::kInvalidArgument, format + ": " + Raw("t") + message))
        << text;
  }
  static constexpr int64_t kMicro = 1'000'000;
};

TEST_F(TableTest, ReadsTheSameFromEveryFormat) {
  const auto expected =
      ElementsAre(Row("u,1", "07", 5 * kMicro), Row("é", "7", 1'600'000'000 * kMicro + 250'000));
  Write("t",
        "x,timestamp,item_id,user_id\r\n\"a\nb \"\"c\"\"\",5,07,\"u,1\"\r\n,1600000000.25,7,é\r\n");
  EXPECT_THAT(RowsAs("csv"), expected);
  Write("t", "timestamp\tuser_id\titem_id\n5\tu,1\t07\n1600000000.25\té\t7");
  EXPECT_THAT(RowsAs("tsv"), expected);
  Write("t", "user_id:token\titem_id:token\ttimestamp:float\nu,1\t07\t5\né\t7\t1.60000000025e9\n");
  EXPECT_THAT(RowsAs("inter"), expected);
  Write("t",
        "{\"user_id\": \"u,1\", \"item_id\": \"07\", \"timestamp\": 5}\n"
        "{\"timestamp\": 1600000000.25, \"x\": {}, \"user_id\": \"\\u00e9\", \"item_id\": 7}\n");
  EXPECT_THAT(RowsAs("jsonl"), expected);
}

TEST_F(TableTest, TakesLatin1WhereAsked) {
  TableOptions options;
  options.encoding = "latin1";
  Write("t", "user_id\ttimestamp\titem_id\n\xe9\t5\tn\xf8\n");
  EXPECT_THAT(RowsAs("tsv", options), ElementsAre(Row("é", "nø", 5 * kMicro)));
  Write("t", "{\"user_id\": \"\xe9\", \"item_id\": 7, \"timestamp\": 5}\n");
  EXPECT_THAT(RowsAs("jsonl", options), ElementsAre(Row("é", "7", 5 * kMicro)));
}

TEST_F(TableTest, TakesTimesInItsUnit) {
  TableOptions options;
  Write("t", "user_id,item_id,timestamp\nu,i,1500\n");
  EXPECT_THAT(RowsAs("csv", options), ElementsAre(Row("u", "i", 1500 * kMicro)));
  for (const char* unit : {"ms", "us"}) {
    options.time_unit = unit;
    EXPECT_THAT(RowsAs("csv", options), ElementsAre(Row("u", "i", 1500)));
  }
  options.time_unit = "iso";
  Write("t", "user_id,item_id,timestamp\nu,i,2019-01-01 00:00:00\n");
  EXPECT_THAT(RowsAs("csv", options), ElementsAre(Row("u", "i", 1546300800)));
  options.time_col = "";
  Write("t", "user_id,item_id\nu,b\nu,a\n");
  EXPECT_THAT(RowsAs("csv", options), ElementsAre(Row("u", "b", 0), Row("u", "a", 0)));
}

TEST_F(TableTest, KeepsWhatTheOptionsSay) {
  Write(
      "t",
      "user_id,item_id,timestamp,stars,what\n"
      "a,x,1546300800,5,buy\na,y,1546300799,5,buy\na,z,1546300801,2.9,buy\nb,x,1546300802,3,cart\n"
      "b,x,1546300803,3,view\nb,y,1577836800,3,buy\n");
  TableOptions options;
  options.rating_col = "stars";
  options.min_rating = 3;
  options.event_col = "what";
  options.event_values = {"buy", "cart"};
  options.since = "2019-01-01";
  options.until = "2020-01-01 00:00:00";
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, LoadAs("csv", options));
  EXPECT_THAT(Rows(raw),
              ElementsAre(Row("a", "x", 1546300800 * kMicro), Row("b", "x", 1546300802 * kMicro)));
  EXPECT_EQ(raw.steps,
            "6 rows, 5 of the events asked for, 4 rated high enough, 2 within the dates");
}

TEST_F(TableTest, KeepsOneRowOfAPair) {
  Write("t", "user_id,item_id,timestamp\na,x,2\na,y,1\na,x,1\na,x,3\na,x,1\na,x,3\n");
  TableOptions options;
  const auto kept = [&](const char* which) {
    options.dedupe = which;
    return RowsAs("csv", options);
  };
  EXPECT_EQ(kept("none").size(), 6u);
  EXPECT_THAT(kept("first-row"), ElementsAre(Row("a", "x", 2 * kMicro), Row("a", "y", 1 * kMicro)));
  EXPECT_THAT(kept("first"), ElementsAre(Row("a", "y", 1 * kMicro), Row("a", "x", 1 * kMicro)));
  EXPECT_THAT(kept("last"), ElementsAre(Row("a", "y", 1 * kMicro), Row("a", "x", 3 * kMicro)));
}

TEST_F(TableTest, PreparesADatasetWithTitles) {
  Write("t", "who\twhat\twhen\nb\tx\t3\na\ty\t1\nb\ty\t2\na\tx\t2\nb\tz\t1\na\tz\t3\nc\tz\t9\n");
  Write("items", "what\tname\tkind\nx\tThe X\tletter\nq\tUnused\tletter\nz\tThe Z\t\n");
  TableOptions options;
  options.user_col = "who";
  options.item_col = "what";
  options.time_col = "when";
  options.title_col = "name";
  options.category_col = "kind";
  options.items = Raw("items");
  options.k_core_user = options.k_core_item = 2;
  const std::string out = folder_.File("out");
  OPENP5_ASSERT_OK_AND_ASSIGN(const DatasetPreset preset, TablePreset("tsv", options));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto json,
                              PrepareDataset("tsv", preset, {.raw = Raw("t"), .out = out}));
  EXPECT_EQ(*ReadFile(out + "/user_sequence.txt"), "a y x z\nb z y x\n");
  EXPECT_EQ(*ReadFile(out + "/item_metadata.jsonl"),
            "{\"item\":\"x\",\"title\":\"The X\",\"categories\":[\"letter\"]}\n"
            "{\"item\":\"z\",\"title\":\"The Z\"}\n");
  EXPECT_EQ(json["rule"],
            "every row is an interaction; users with at least 3 and items with at "
            "least 2, repeated until nothing falls");
  EXPECT_EQ(json["source"]["files"].size(), 2u);
  EXPECT_EQ(json["comparison"], "not a dataset of OpenP5's");
}

TEST_F(TableTest, RefusesMalformedTables) {
  const std::string head = "user_id,item_id,timestamp\n";
  ExpectFailure("csv", head + "u,i\n",
                ":2: expected 3 fields as in the header, got 2 fields in 'u,i'");
  ExpectFailure("csv", head + "u,i,1,2\n",
                ":2: expected 3 fields as in the header, got 4 fields in 'u,i,1,2'");
  ExpectFailure(
      "csv", head + "u,i",
      ":2: expected 3 fields as in the header, got 2 fields in 'u,i'; is the file cut off?");
  ExpectFailure("csv", head + "u\"x\",i,1\n",
                ":2: expected a quoted field to begin with its quote, got 'u\\\"x\\\"'");
  ExpectFailure("csv", head + "\"u\"x,i,1\n",
                ":2: expected ',' after a closing quote, got 'x,i,1'");
  ExpectFailure("csv", head + "u,i,1\n\"u,i,1\nv,i,1\n",
                ":3: expected a closing quote, got the end of the file");
  ExpectFailure("csv", head + ",i,1\n", ":2: column 'user_id': expected a user id, got nothing");
  ExpectFailure("csv", head + "u,a b,1\n",
                ":2: column 'item_id': expected an item id without blanks and control characters, "
                "got 'a b'");
  ExpectFailure(
      "csv", head + "\xe9,i,1\n",
      ":2: column 'user_id': expected a user id in UTF-8, got '\\351'; hint: --encoding latin1 "
      "reads ISO 8859-1");
  ExpectFailure("csv", head + "u,i,-1\n",
                ":2: column 'timestamp': expected a timestamp that is not negative, got '-1'; "
                "--allow-negative-time takes it");
  for (const std::string time :
       {"", "nan", "1.5e400", "0x10", "1 000", "99999999999999", "1e", "inf.0"}) {
    ExpectFailure(
        "csv", head + "u,i," + time + "\n",
        ":2: column 'timestamp': expected a timestamp in seconds of 64 bits as microseconds, "
        "got '" +
            time + "'");
  }
  ExpectFailure("inter", "user_id\titem_id\ttimestamp\n",
                ":1: expected a header of `name:type`, got 'user_id'");
  ExpectFailure("jsonl", "{\"user_id\": [1], \"item_id\": 1, \"timestamp\": 1}\n",
                ":1: expected a text or a number as \"user_id\", got a list");
  TableOptions dated;
  dated.time_unit = "iso";
  for (const std::string date : {"2019-02-30", "2019-01-01 00:00:00+1:00", "5"}) {
    ExpectFailure("csv", head + "u,i," + date + "\n",
                  ":2: column 'timestamp': expected a date such as 2014-04-07, 2014/04/07 10:51, "
                  "20140407T105101 or 2014-04-07T10:51:01.277+02:00, got '" +
                      date + "'; hint: --time-format says how others are written",
                  dated);
  }
  TableOptions rated;
  rated.rating_col = "r";
  for (const std::string rating : {"", "nan", "inf", "0x10", "1.5.5", "five", "1e999"}) {
    ExpectFailure("tsv", "user_id\titem_id\ttimestamp\tr\nu\ti\t1\t" + rating + "\n",
                  ":2: column 'r': expected a rating, got '" + rating + "'", rated);
  }
}

TEST_F(TableTest, AQuoteTooManyTakesNoMemoryWithoutEnd) {
  const std::string line = std::string(1 << 20, 'x') + "\n";
  std::string text = "user_id,item_id,timestamp\n\"u,i,1\n";
  for (int i = 0; i < 64; ++i) text += line;
  ExpectFailure("csv", text + "\"\n",
                ":2: expected a closing quote within 67108864 bytes, got none");
}

TEST_F(TableTest, ASecondHeaderIsNoRow) {
  TableOptions untimed;
  untimed.time_col = "";
  ExpectFailure("csv", "user_id,item_id\nu,i\nuser_id,item_id\n",
                ":3: expected data, got a second header 'user_id,item_id'; were files joined?",
                untimed);
  ExpectFailure(
      "inter", "user_id:token\titem_id:token\nu\ti\nuser_id:token\titem_id:token\n",
      ":3: expected data, got a second header 'user_id:token\\titem_id:token'; were files "
      "joined?",
      untimed);
}

TEST_F(TableTest, AHeaderAloneHasNoInteractions) {
  Write("t", "user_id,item_id,timestamp\n");
  EXPECT_THAT(Sequences(*TablePreset("csv", {}), 5),
              StatusIs(Code::kInvalidArgument,
                       "test: " + Raw() +
                           ": no interactions: 0 rows; read 0 users, 0 items, 0 interactions"));
}

TEST_F(TableTest, AFirstRowIsNeverTakenForAHeader) {
  Write("t", "u\ti\t5\n");
  EXPECT_THAT(LoadAs("tsv"),
              StatusIs(Code::kFailedPrecondition,
                       HasSubstr(Raw("t") + ":1: expected a column 'user_id', got u, i, 5;")));
}

TEST_F(TableTest, IdsDifferInCaseAndZerosAndAreNeverNumbers) {
  Write("t", "user_id,item_id,timestamp\na,7,1\nA,07,1\na,7.0,1\na,1e3,1\n");
  EXPECT_THAT(RowsAs("csv"), ElementsAre(Row("a", "7", kMicro), Row("A", "07", kMicro),
                                         Row("a", "7.0", kMicro), Row("a", "1e3", kMicro)));
}

TEST_F(TableTest, DropsAndCountsUsersTooShortToSplit) {
  Write("t", "user_id,item_id,timestamp\na,x,1\na,y,2\na,z,3\nb,x,1\nb,y,2\n");
  TableOptions options;
  options.k_core_user = options.k_core_item = 0;
  const DatasetPreset preset = *TablePreset("csv", options);
  EXPECT_EQ(preset.user_core, 3);
  ::testing::internal::CaptureStderr();
  OPENP5_EXPECT_OK(PrepareDataset("csv", preset, {.raw = Raw(), .out = folder_.File("out")}));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("5 rows; read 2 users, 3 items, 5 interactions; after a round of the (3, "
                        "0)-core 1 users, 3 items, 3 interactions"));
  EXPECT_EQ(*ReadFile(folder_.File("out/user_sequence.txt")), "a x y z\n");
  Write("t", "user_id,item_id,timestamp\na,x,1\na,y,2\n");
  EXPECT_THAT(PrepareDataset("csv", preset, {.raw = Raw(), .out = folder_.File("out")}),
              StatusIs(Code::kInvalidArgument,
                       "csv: " + Raw() +
                           ": no interactions: 2 rows; read 1 users, 2 items, 2 interactions; "
                           "after a round of the (3, 0)-core 0 users, 0 items, 0 interactions"));
}

TEST_F(TableTest, NamesTheColumnsThereAre) {
  Write("t", "user,item,time\n");
  EXPECT_THAT(
      LoadAs("csv"),
      StatusIs(Code::kFailedPrecondition,
               "csv: " + Raw("t") +
                   ":1: expected a column 'user_id', got user, item, time; name the columns "
                   "by --user-col, --item-col, --time-col, …"));
}

TEST_F(TableTest, SkipsBadLines) {
  Write("t", "user_id,item_id,timestamp\nu,i,x\nu,i,1\nu,i\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, LoadAs("csv", {}, 2));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("u", "i", kMicro)));
  EXPECT_FALSE(LoadAs("csv", {}, 1).ok());
}

TEST_F(TableTest, RefusesOptionsThatDoNotGoTogether) {
  const auto expect = [](const TableOptions& options, const std::string& message) {
    const auto preset = TablePreset("csv", options);
    EXPECT_TRUE(IsUsageError(preset.status()));
    EXPECT_THAT(preset, StatusIs(Code::kInvalidArgument, message));
  };
  TableOptions options;
  options.event_values = {"buy"};
  expect(options, "event-col, event-values: expected both or neither");
  options = {};
  options.min_rating = 3;
  expect(options, "min-rating: expected a rating-col too");
  options = {};
  options.since = "2019-02-30";
  expect(options,
         "since: expected a date `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS` in UTC, got "
         "'2019-02-30'");
  options.since = "2019-01-01";
  options.time_col = "";
  expect(options, "since, until: expected a time-col too");
}

// Rows in any order make the same dataset if no two have the same time.
TEST_F(TableTest, RowOrderDoesNotMatterWithoutTies) {
  Random random(9);
  std::vector<std::string> lines;
  for (int i = 0; i < 2000; ++i) {
    lines.push_back(StrCat("u", random.Below(40), ",i", random.Below(60), ",", 1000 + i, "\n"));
  }
  TableOptions options;
  const DatasetPreset preset = *TablePreset("csv", options);
  std::string first;
  for (int round = 0; round < 3; ++round) {
    std::string text = "user_id,item_id,timestamp\n";
    for (const std::string& line : lines) text += line;
    Write("t", text);
    const std::string out = folder_.File("out");
    OPENP5_ASSERT_OK(PrepareDataset("csv", preset, {.raw = Raw("t"), .out = out}).status());
    const std::string sequences = *ReadFile(out + "/user_sequence.txt");
    if (round == 0) first = sequences;
    EXPECT_EQ(sequences, first);
    random.Shuffle(std::span(lines));
  }
}

}  // namespace
}  // namespace openp5::datasets

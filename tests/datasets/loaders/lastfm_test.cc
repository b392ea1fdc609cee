#include "datasets/loaders/lastfm.h"

#include "platform/base/random.h"
#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr const char* kTags = "user_taggedartists-timestamps.dat";
constexpr const char* kHeader = "userID\tartistID\ttagID\ttimestamp\r\n";

class LastFmTest : public RawTest {
 protected:
  const DatasetPreset preset_ = LastFm();
};

TEST_F(LastFmTest, KeepsTheFirstRowOfAPairAndNegativeTimes) {
  Write(kTags, std::string(kHeader) +
                   "2\t52\t13\t1238536800000\r\n2\t52\t15\t1\r\n2\t63\t1\t-428720400000\n"
                   "3\t52\t13\t5\n");
  Write("artists.dat",
        "id\tname\turl\tpictureURL\n52\t\"Quoted\" Motörhead 坂本\thttp://x/52\thttp://y\n"
        "63\tNo picture\thttp://x/63\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(preset_));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("2", "52", 1238536800000), Row("2", "63", -428720400000),
                                     Row("3", "52", 5)));
  EXPECT_EQ(raw.steps, "4 rows, 3 of them the first of their pair");
  ASSERT_EQ(raw.items.size(), 2u);
  EXPECT_EQ(raw.items[0].title, "\"Quoted\" Motörhead 坂本");
  EXPECT_THAT(raw.items[0].more,
              ElementsAre(std::pair<std::string, std::string>("url", "http://x/52")));
}

TEST_F(LastFmTest, ANameThatIsNotUtf8IsReplaced) {
  Write(kTags, std::string(kHeader) + "2\t52\t13\t5\r\n");
  Write("artists.dat", "id\tname\turl\tpictureURL\r\n52\tMot\xf6rhead\t\t\r\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(preset_));
  ASSERT_EQ(raw.items.size(), 1u);
  EXPECT_EQ(raw.items[0].title, "Mot\xef\xbf\xbdrhead");
  EXPECT_TRUE(raw.items[0].more.empty());
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(*Sequences(preset_, 1), "1 1");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::HasSubstr("warning: test: 1 of 1 item descriptions hold U+FFFD, which "
                                   "stands for bytes that are not UTF-8"));
}

TEST_F(LastFmTest, RenumbersAndKeepsTheArtist) {
  Write(kTags, std::string(kHeader) +
                   "9\t30\t1\t50\n7\t20\t1\t40\n9\t20\t1\t30\n7\t30\t1\t10\n8\t99\t1\t1\n");
  Write("artists.dat", "id\tname\n30\tThirty\n99\tGone\n");
  DatasetPreset preset = preset_;
  preset.user_core = preset.item_core = 2;
  const std::string out = folder_.File("out");
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto json,
                              PrepareDataset("lastfm", preset, {.raw = Raw(), .out = out}));
  // Users as in the file; items by first appearance there. No final line end, as in OpenP5's file.
  EXPECT_EQ(*ReadFile(out + "/user_sequence.txt"), "1 1 2\n2 2 1");
  EXPECT_EQ(*ReadFile(out + "/item_metadata.jsonl"),
            "{\"item\":\"2\",\"title\":\"Thirty\",\"raw_id\":\"30\"}\n"
            "{\"item\":\"1\",\"title\":\"\",\"raw_id\":\"20\"}\n");
  EXPECT_EQ(json["order"], "per-user");
  EXPECT_EQ(json["ties"], "stable");
  EXPECT_EQ(json["comparison"],
            "other counts: expected 1090 users, 3646 items, 52551 interactions; got 2 users, 2 "
            "items, 4 interactions");
}

TEST_F(LastFmTest, RefusesWhatIsNotTheFile) {
  const std::string where = "lastfm: " + Raw(kTags);
  Write(kTags, "2\t52\t13\t1238536800000\n");
  ExpectBad(preset_, where +
                         ":1: expected the header 'userID\\tartistID\\ttagID', got "
                         "'2\\t52\\t13\\t1238536800000'");
  Write(kTags, std::string(kHeader) + "2\t52\t13\t5\n" + kHeader);
  ExpectBad(preset_, where +
                         ":3: expected data, got a second header "
                         "'userID\\tartistID\\ttagID\\ttimestamp'; were files joined?");
  Write(kTags, std::string(kHeader) + "2\t52\t5\n");
  ExpectBad(preset_, where +
                         ":2: expected 4 fields `userID artistID tagID timestamp` separated by "
                         "tabs, got 3 fields in '2\\t52\\t5'");
  Write(kTags, std::string(kHeader) + "2\t52\t13\t1e9\n");
  ExpectBad(preset_, where + ":2: expected a timestamp in milliseconds, got '1e9'");
  Write(kTags, kHeader);
  EXPECT_THAT(Sequences(preset_, 5),
              testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                "test: " + Raw() +
                                    ": no interactions: 0 rows, 0 of them the first of their pair; "
                                    "read 0 users, 0 items, 0 interactions"));
}

}  // namespace
}  // namespace openp5::datasets

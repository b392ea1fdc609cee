#include "datasets/loaders/amazon.h"

#include <map>

#include "platform/base/random.h"
#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Pair = std::pair<std::string, std::string>;

class AmazonTest : public RawTest {
 protected:
  const DatasetPreset beauty_ = AmazonBeauty(), clothing_ = AmazonClothing();
};

TEST_F(AmazonTest, ReadsRatings) {
  Write("ratings_Clothing_Shoes_and_Jewelry.csv",
        "A1YJEY40YUW4SE,0000031887,5.0,1391040000\nA3J3BRHTDRFJ2G42ABCDE,B00000000X,1.0,0\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(clothing_));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("A1YJEY40YUW4SE", "0000031887", 1391040000),
                                     Row("A3J3BRHTDRFJ2G42ABCDE", "B00000000X", 0)));
}

TEST_F(AmazonTest, ReadsReviewsAndMetadata) {
  Write(
      "reviews_Beauty_5.json",
      R"({"reviewerID": "A1", "asin": "0001", "helpful": [0, 1], "reviewText": "x\n\ud83d\ude00\/", )"
      R"("overall": 5e0, "unixReviewTime": 7, "reviewTime": "01 1, 2014"})"
      "\n"
      R"({'unixReviewTime': 8, 'asin': '0002', 'reviewerName': "It's", 'reviewerID': 'A1'})"
      "\n");
  Write("meta_Beauty.json",
        R"({'asin': '0001', 'title': 'Salt &amp; Caf\xc3\xa9', 'price': 5.0, 'brand': 'B&#39;s', )"
        R"('categories': [['Beauty', 'Hair'], ['Beauty', 'Skin']], 'related': {'also_bought': []}})"
        "\n"
        R"({"asin": "0002"})"
        "\n"
        R"({"asin": "0003", "title": "Nobody bought it"})"
        "\n"
        R"({'asin': '0001', 'title': 'again'})"
        "\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(beauty_));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("A1", "0001", 7), Row("A1", "0002", 8)));
  ASSERT_EQ(raw.items.size(), 2u);
  EXPECT_EQ(raw.items[0].title, "Salt & Café");
  EXPECT_THAT(raw.items[0].more, ElementsAre(Pair("brand", "B's"), Pair("price", "5.0")));
  EXPECT_THAT(raw.items[0].categories, ElementsAre("Beauty", "Hair", "Skin"));
  EXPECT_EQ(raw.items[1].title, "");
}

TEST_F(AmazonTest, ReadsLongLinesAndOddMetadata) {
  const std::string text(600'000, 'x');
  Write("reviews_Beauty_5.json", "{\"reviewText\": \"" + text +
                                     "\", \"reviewerID\": \"A\", \"asin\": \"1\", "
                                     "\"unixReviewTime\": 7}\n");
  Write("meta_Beauty.json",
        "{'asin': '1', 'title': None, 'brand': '', 'price': '9', 'categories': ['X', [None, '']], "
        "'related': {}, 'description': '" +
            text + "'}\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(beauty_));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("A", "1", 7)));
  ASSERT_EQ(raw.items.size(), 1u);
  EXPECT_EQ(raw.items[0].title, "");
  EXPECT_TRUE(raw.items[0].more.empty());
  EXPECT_TRUE(raw.items[0].categories.empty());
}

TEST_F(AmazonTest, RefusesMalformedMetadata) {
  Write("reviews_Beauty_5.json",
        "{\"reviewerID\": \"A\", \"asin\": \"1\", "
        "\"unixReviewTime\": 7}\n");
  const std::string where = "beauty: " + Raw("meta_Beauty.json") + ":1: ";
  Write("meta_Beauty.json", "{'asin': str(1)}\n");
  ExpectBad(beauty_, where +
                         "column 10: expected a literal, got 'str(1)}'; not a literal, and nothing "
                         "is evaluated");
  Write("meta_Beauty.json", "{\"asin\": \"1\", \"price\": 1e999}\n");
  ExpectBad(beauty_, where +
                         "expected numbers within a double's range, got '{\\\"asin\\\": \\\"1\\\", "
                         "\\\"price\\\": 1e999}'");
  Write("meta_Beauty.json", "{'title': 'T'}\n");
  ExpectBad(beauty_, where + "expected a text as \"asin\", got '{\\'title\\': \\'T\\'}'");
}

TEST_F(AmazonTest, TakesTheFileOpenP5TookWhereBothAreThere) {
  const std::string json = R"({"reviewerID": "J", "asin": "1", "unixReviewTime": 7})";
  for (const char* name : {"Beauty", "Clothing_Shoes_and_Jewelry"}) {
    Write(StrCat("ratings_", name, ".csv"), "C,1,5.0,7\n");
    Write(StrCat("reviews_", name, "_5.json"), json + "\n");
  }
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset beauty, Load(beauty_));
  EXPECT_THAT(Rows(beauty), ElementsAre(Row("J", "1", 7)));
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset clothing, Load(clothing_));
  EXPECT_THAT(Rows(clothing), ElementsAre(Row("C", "1", 7)));
}

TEST_F(AmazonTest, RefusesMalformedInput) {
  const std::string name = "ratings_Clothing_Shoes_and_Jewelry.csv",
                    where = "clothing: " + Raw(name);
  EXPECT_THAT(Load(clothing_),
              testing::StatusIs(absl::StatusCode::kNotFound,
                                "clothing: " + Raw() + ": no such file or folder"));
  Write("x", "");
  Write("y", "");
  EXPECT_THAT(Load(clothing_),
              testing::StatusIs(absl::StatusCode::kNotFound,
                                "clothing: " + Raw() + ": expected " + name +
                                    " or reviews_Clothing_Shoes_and_Jewelry_5.json.gz, got x, y"));
  Write(name, "0000031887,A1YJEY40YUW4SE,5.0,1391040000\n");
  ExpectBad(clothing_, where +
                           ":1: expected `user,item,rating,timestamp`, got "
                           "'0000031887,A1YJEY40YUW4SE,5.0,1391040000' with the item first, as "
                           "in the release of 2018; OpenP5's numbers are of the 2014 files");
  Write(name, "A,1,5.0\n");
  ExpectBad(clothing_, where +
                           ":1: expected 4 fields `user,item,rating,timestamp`, got 3 fields in "
                           "'A,1,5.0'");
  for (const std::string rating : {"nan", "inf", "0x1p1", "6.0", "", "five"}) {
    Write(name, "A,1," + rating + ",3\n");
    ExpectBad(clothing_, where + ":1: expected a rating up to 5, got '" + rating + "'");
  }
  for (const std::string time : {"-1", "1.5", "1,000", "0x10", ""}) {
    Write(name, "A,1,5.0," + time + "\n");
    EXPECT_THAT(Load(clothing_), testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                                   HasSubstr(where + ":1: expected ")));
  }
  Write(name, "user,item,rating,timestamp\n");
  ExpectBad(clothing_, where +
                           ":1: expected a rating up to 5, got 'rating'; the line looks like a "
                           "header, which the file should not have");
  Write(name, "A B,1,5.0,3\n");
  ExpectBad(clothing_, where +
                           ":1: expected a user id without blanks and control characters, got "
                           "'A B'");
}

TEST_F(AmazonTest, RefusesMalformedReviews) {
  const std::string name = "reviews_Beauty_5.json", where = "beauty: " + Raw(name) + ":1: ";
  Write(name, "{\"asin\": \"1\", \"unixReviewTime\": 7}\n");
  ExpectBad(beauty_, where + "expected an id as \"reviewerID\", got nothing");
  Write(name, "{\"reviewerID\": \"A\", \"asin\": \"1\", \"unixReviewTime\": \"7\"}\n");
  ExpectBad(beauty_,
            where + "expected a whole number of 64 bits as \"unixReviewTime\", got a text");
  Write(name, "{\"reviewerID\": \"A\", \"asin\": \"1\", \"unixReviewTime\": -7}\n");
  ExpectBad(beauty_, where + "expected a timestamp in seconds, not negative, got -7");
  Write(name, "{\"reviewerID\": \"A\", \"asin\": \"1\", \"unixRev");
  EXPECT_THAT(Load(beauty_), testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                               HasSubstr("; is the file cut off?")));
}

// Rows of the same time in a file grouped by item, as the real ones are; a slow reference.
TEST_F(AmazonTest, BothOrdersEqualASlowReference) {
  Random random(5);
  std::string csv, json;
  std::map<std::string, std::vector<std::pair<int64_t, std::string>>> by_user;
  std::vector<std::string> users;
  for (int item = 0; item < 40; ++item) {
    for (int row = 0; row < 12; ++row) {
      const std::string user = StrCat("A", random.Below(30)), asin = StrCat("00", item);
      const int64_t time = 86400 * static_cast<int64_t>(random.Below(6)) + 1'000'000'000;
      csv += StrCat(user, ",", asin, ",4.0,", time, "\n");
      json += StrCat("{\"asin\": \"", asin, "\", \"reviewerID\": \"", user,
                     "\", \"unixReviewTime\": ", time, "}\n");
      if (by_user[user].empty()) users.push_back(user);
      by_user[user].emplace_back(time, asin);
    }
  }
  Write("reviews_Beauty_5.json", json);
  std::string expected;
  for (const std::string& user : users) {
    std::stable_sort(by_user[user].begin(), by_user[user].end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    expected += user;
    for (const auto& [time, asin] : by_user[user]) expected += " " + asin;
    expected += "\n";
  }
  EXPECT_EQ(*Sequences(beauty_, 1), expected);
  Write("ratings_Clothing_Shoes_and_Jewelry.csv", csv);
  const std::string from_ratings = *Sequences(clothing_, 1);
  std::filesystem::remove(Raw("ratings_Clothing_Shoes_and_Jewelry.csv"));
  std::filesystem::remove(Raw("reviews_Beauty_5.json"));
  Write("reviews_Clothing_Shoes_and_Jewelry_5.json", json);
  EXPECT_EQ(*Sequences(clothing_, 1), from_ratings);
}

TEST(DecodeHtmlEntitiesTest, ReplacesWhatItKnows) {
  EXPECT_EQ(DecodeHtmlEntities("a &amp; b &lt;&gt;&quot;&apos; &#174;&#xAE;&#x1F600;"),
            "a & b <>\"' ®®😀");
  for (const std::string text : {"&", "&;", "&nbsp;", "a & b;", "&#;", "&#x;", "&#0;", "&#55296;",
                                 "&#99999999;", "&ampamp"}) {
    EXPECT_EQ(DecodeHtmlEntities(text), text);
  }
}

}  // namespace
}  // namespace openp5::datasets

#include "datasets/loaders/yelp.h"

#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Pair = std::pair<std::string, std::string>;

constexpr const char* kReviews = "yelp_academic_dataset_review.json";
constexpr const char* kBusinesses = "yelp_academic_dataset_business.json";

std::string Review(const std::string& user, const std::string& business, const std::string& date) {
  return "{\"review_id\":\"r\",\"user_id\":\"" + user + "\",\"business_id\":\"" + business +
         "\",\"stars\":4.0,\"text\":\"a\\nb\",\"date\":\"" + date + "\"}\n";
}

class YelpTest : public RawTest {};

TEST_F(YelpTest, ReadsReviewsAndBusinesses) {
  Write(kReviews, Review("-u", "_b", "2018-07-07 22:09:11") + Review("v", "_b", "2019-01-01") +
                      Review("-u", "_b", "2018-07-07 22:09:11") +
                      Review("v", "unknown", "2019-01-01"));
  Write(
      kBusinesses,
      "{\"business_id\":\"_b\",\"name\":\"Café\",\"city\":\"Québec\",\"categories\":\"Food, Coffee "
      "& Tea\",\"attributes\":null}\n"
      "{\"business_id\":\"other\",\"name\":\"No review\"}\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(Yelp()));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("-u", "_b", 1531001351), Row("v", "_b", 1546300800),
                                     Row("-u", "_b", 1531001351), Row("v", "unknown", 1546300800)));
  ASSERT_EQ(raw.items.size(), 1u);
  EXPECT_EQ(raw.items[0].title, "Café");
  EXPECT_THAT(raw.items[0].more, ElementsAre(Pair("city", "Québec")));
  EXPECT_THAT(raw.items[0].categories, ElementsAre("Food", "Coffee & Tea"));
}

TEST_F(YelpTest, CategoriesMayBeNullOrAList) {
  Write(kReviews, Review("u", "b", "2018-07-07") + Review("u", "c", "2018-07-07"));
  Write(kBusinesses,
        "{\"business_id\":\"b\",\"name\":\"B\",\"categories\":null}\n"
        "{\"business_id\":\"c\",\"name\":\"C\",\"categories\":[\"Food\"]}\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(Yelp()));
  ASSERT_EQ(raw.items.size(), 2u);
  EXPECT_THAT(raw.items[0].categories, IsEmpty());
  EXPECT_THAT(raw.items[1].categories, IsEmpty());
}

TEST_F(YelpTest, TheWindowOf2019EndsWithTheStartOfItsLastDay) {
  Write(kReviews,
        Review("u", "a", "2018-12-31 23:59:59") + Review("u", "b", "2019-01-01 00:00:00") +
            Review("u", "c", "2019-12-31 00:00:00") + Review("u", "d", "2019-12-31 00:00:01"));
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(Yelp2019()));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("u", "b", 1546300800), Row("u", "c", 1577750400)));
  EXPECT_EQ(raw.steps, "4 reviews, 2 of them in the window");
}

TEST_F(YelpTest, RefusesMalformedReviews) {
  const std::string where = "yelp: " + Raw(kReviews) + ":1: ";
  Write(kReviews, Review("u", "b", "2019-02-30 00:00:00"));
  ExpectBad(Yelp(), where +
                        "expected a date `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS` in UTC, got "
                        "'2019-02-30 00:00:00'");
  Write(kReviews, Review("u v", "b", "2019-02-03"));
  ExpectBad(Yelp(), where +
                        "expected an id as \"user_id\" without blanks and control characters, "
                        "got 'u v'");
  Write(kReviews, "[\"u\",\"b\"]\n");
  ExpectBad(Yelp(), where + "expected an object, got '[\\\"u\\\",\\\"b\\\"]'");
  Write(kReviews, "{\"user_id\":\"u\",\"user_id\":\"v\"}\n");
  ExpectBad(Yelp(), where +
                        "expected key 'user_id' once, got "
                        "'{\\\"user_id\\\":\\\"u\\\",\\\"user_id\\\":\\\"v\\\"}'");
  Write(kReviews, "{\"user_id\":\"\xe9\"}\n");
  ExpectBad(Yelp(), where + "column 13: expected UTF-8, got '\\351\\\"}'");
  Write(kReviews, "{\"user_id\":\"u\",\"business_id\":\"b\"}\n");
  ExpectBad(Yelp(), where + "expected a text as \"date\", got nothing");
}

}  // namespace
}  // namespace openp5::datasets

#include "datasets/loaders/taobao.h"

#include "tests/datasets/loaders/raw_test.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;

class TaobaoTest : public RawTest {
 protected:
  const DatasetPreset preset_ = Taobao();
};

TEST_F(TaobaoTest, KeepsPurchasesWithRepeats) {
  Write("UserBehavior.csv",
        "1,268,14,pv,1511544070\n1,268,14,buy,1511561733\n1,268,14,buy,1511561733\n"
        "2,268,14,cart,5\n2,31,7,buy,-2134949234\n2,31,7,buy,2122867355\n1,9,1,fav,6\n");
  OPENP5_ASSERT_OK_AND_ASSIGN(const RawDataset raw, Load(preset_));
  EXPECT_THAT(Rows(raw), ElementsAre(Row("1", "268", 1511561733), Row("1", "268", 1511561733),
                                     Row("2", "31", -2134949234), Row("2", "31", 2122867355)));
  EXPECT_EQ(raw.steps, "7 rows, 4 of them `buy`");
  ASSERT_EQ(raw.items.size(), 2u);
  EXPECT_THAT(raw.items[1].categories, ElementsAre("7"));
}

// An item that one user bought five times stays.
TEST_F(TaobaoTest, TheCoreCountsRows) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += "4,8,1,buy," + std::to_string(100 - i) + "\n";
  for (int i = 0; i < 4; ++i) text += "5,9,1,buy," + std::to_string(i) + "\n";
  Write("UserBehavior.csv", text);
  OPENP5_ASSERT_OK_AND_ASSIGN(const std::string sequences, Sequences(preset_, 5));
  EXPECT_EQ(sequences, "4 8 8 8 8 8\n");
}

TEST_F(TaobaoTest, RefusesMalformedLines) {
  const std::string where = "taobao: " + Raw("UserBehavior.csv") + ":1: ";
  Write("UserBehavior.csv", "1,2,3,click,5\n");
  ExpectBad(preset_, where + "expected pv, buy, cart or fav, got 'click'");
  Write("UserBehavior.csv", "user,item,category,behaviour,timestamp\n");
  ExpectBad(preset_, where +
                         "expected pv, buy, cart or fav, got 'behaviour'; the line looks like a "
                         "header, which the file should not have");
  Write("UserBehavior.csv", "1,2,3,buy,1e9\n");
  ExpectBad(preset_, where + "expected a timestamp in seconds, got '1e9'");
  Write("UserBehavior.csv", "1,2,buy,5\n");
  ExpectBad(preset_, where +
                         "expected 5 fields `user,item,category,behaviour,timestamp`, got 4 "
                         "fields in '1,2,buy,5'");
  Write("UserBehavior.csv", "a b,2,3,buy,5\n");
  ExpectBad(preset_, where + "expected a user number, got 'a b'");
  Write("UserBehavior.csv", "1,2,3,buy,99999999999999999999\n");
  ExpectBad(preset_, where + "expected a timestamp in seconds, got '99999999999999999999'");
}

}  // namespace
}  // namespace openp5::datasets

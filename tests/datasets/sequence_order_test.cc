#include "datasets/sequence_order.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

TEST(GlobalOrder, ListsUsersByTheirEarliestRow) {
  Interactions rows;
  rows.Add("1", "a", 30);
  rows.Add("2", "b", 10);
  rows.Add("1", "c", 20);
  rows.Add("2", "a", 40);
  for (const TieOrder ties : {TieOrder::kNumpy, TieOrder::kStable}) {
    EXPECT_EQ(GlobalOrderText(rows, ties), "2 b a\n1 c a\n");
  }
}

TEST(GlobalOrder, OrdersTiesAsAsked) {
  Interactions rows;
  for (int i = 0; i < 17; ++i) rows.Add("u", StrCat(i), 5);
  EXPECT_EQ(GlobalOrderText(rows, TieOrder::kStable),
            "u 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  EXPECT_NE(GlobalOrderText(rows, TieOrder::kNumpy), GlobalOrderText(rows, TieOrder::kStable));
}

TEST(GlobalOrder, OfNothingIsEmpty) {
  EXPECT_EQ(GlobalOrderText(Interactions(), TieOrder::kNumpy), "");
}

}  // namespace
}  // namespace openp5::datasets

#include "datasets/sequence_order.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_split.h"
#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

std::string Text(const Interactions& rows, SequenceOrder order, TieOrder ties) {
  std::string text;
  const OrderedSequences sequences = OrderSequences(rows, order, ties);
  for (size_t place = 0; place < sequences.users.size(); ++place) {
    text += rows.users.Id(sequences.users[place]);
    for (const int32_t item : sequences.Items(place)) text += StrCat(" ", rows.items.Id(item));
    text += "\n";
  }
  return text;
}
std::string GlobalOrderText(const Interactions& rows, TieOrder ties) {
  return Text(rows, SequenceOrder::kGlobal, ties);
}

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

TEST(PerUserOrder, ListsUsersAsInTheFile) {
  Interactions rows;
  rows.Add("1", "a", 30);
  rows.Add("2", "b", 10);
  rows.Add("1", "c", 20);
  rows.Add("2", "a", 10);
  rows.Add("3", "x", 1);
  FilterKCore(2, 1, &rows);
  EXPECT_EQ(Text(rows, SequenceOrder::kPerUser, TieOrder::kStable), "1 c a\n2 b a\n");
}

TEST(PerUserOrder, DiffersFromTheGlobalOneInUsersOnlyIfNoTimesAreEqual) {
  Random random(4);
  std::vector<int64_t> times(500);
  std::iota(times.begin(), times.end(), 0);
  random.Shuffle(std::span(times));
  Interactions rows;
  for (const int64_t time : times) {
    rows.Add(StrCat("u", random.Below(20)), StrCat("i", random.Below(50)), time);
  }
  const auto sorted_lines = [&](SequenceOrder order, TieOrder ties) {
    std::vector<std::string> lines = absl::StrSplit(Text(rows, order, ties), '\n');
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  const auto global = sorted_lines(SequenceOrder::kGlobal, TieOrder::kStable);
  EXPECT_EQ(sorted_lines(SequenceOrder::kPerUser, TieOrder::kStable), global);
  EXPECT_EQ(sorted_lines(SequenceOrder::kGlobal, TieOrder::kNumpy), global);
}

TEST(GlobalOrder, OfNothingIsEmpty) {
  EXPECT_EQ(GlobalOrderText(Interactions(), TieOrder::kNumpy), "");
}

}  // namespace
}  // namespace openp5::datasets

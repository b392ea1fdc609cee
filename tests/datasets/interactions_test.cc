#include "datasets/interactions.h"

#include "platform/base/random.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

TEST(IdTable, TakesIdsAsBytes) {
  IdTable table;
  EXPECT_EQ(table.Add("7"), 0);
  EXPECT_EQ(table.Add("07"), 1);
  EXPECT_EQ(table.Add("7"), 0);
  EXPECT_EQ(table.size(), 2);
  EXPECT_EQ(table.Id(1), "07");
  EXPECT_EQ(table.Find("07"), 1);
  EXPECT_EQ(table.Find(""), std::nullopt);
  EXPECT_EQ(table.Add(std::string_view("\0\xff", 2)), 2);
  EXPECT_EQ(table.Add(""), 3);
  EXPECT_EQ(table.Id(2), std::string_view("\0\xff", 2));
  EXPECT_EQ(table.Find(""), 3);
}

TEST(IdTable, StaysWholeWhenItIsMoved) {
  IdTable first;
  for (int id = 0; id < 100'000; ++id) ASSERT_EQ(first.Add(StrCat("id", id)), id);
  const std::string_view id = first.Id(4711);
  IdTable second = std::move(first);
  EXPECT_EQ(id, "id4711") << "the bytes stay where they are";
  EXPECT_EQ(second.Find("id99999"), 99999);
  IdTable third;
  third.Add("other");
  third = std::move(second);
  EXPECT_EQ(third.Find("other"), std::nullopt);
  EXPECT_EQ(third.Add("id7"), 7);
  EXPECT_EQ(third.Add("new"), 100'000);
  EXPECT_EQ(third.Find("new"), 100'000);
}

// Rows "user item"; times are row numbers.
Interactions Rows(const std::vector<std::pair<std::string, std::string>>& rows) {
  Interactions interactions;
  for (const auto& [user, item] : rows) {
    interactions.Add(user, item, static_cast<int64_t>(interactions.size()));
  }
  return interactions;
}

TEST(FilterKCore, PeelsUntilNothingFalls) {
  // z falls first; then u2 has one row; then y has one row.
  Interactions rows = Rows(
      {{"u1", "x"}, {"u2", "z"}, {"u1", "w"}, {"u2", "y"}, {"u3", "x"}, {"u3", "w"}, {"u1", "y"}});
  EXPECT_EQ(CountInteractions(rows), (InteractionCounts{3, 4, 7}));
  EXPECT_THAT(FilterKCore(2, 2, &rows),
              ElementsAre(InteractionCounts{3, 3, 6}, InteractionCounts{2, 3, 5},
                          InteractionCounts{2, 2, 4}));
  EXPECT_THAT(rows.time, ElementsAre(0, 2, 4, 5));
  EXPECT_EQ(rows.items.Id(rows.item[1]), "w");
  EXPECT_THAT(FilterKCore(2, 2, &rows), IsEmpty());
}

TEST(FilterKCore, CountsRepeatedRows) {
  Interactions rows = Rows({{"u", "x"}, {"u", "x"}, {"v", "y"}});
  FilterKCore(2, 2, &rows);
  EXPECT_THAT(rows.time, ElementsAre(0, 1));
}

TEST(FilterKCore, MayLeaveNothing) {
  Interactions rows = Rows({{"u", "x"}, {"v", "y"}});
  EXPECT_THAT(FilterKCore(2, 2, &rows), ElementsAre(InteractionCounts{0, 0, 0}));
  EXPECT_EQ(rows.size(), 0u);
}

// Drops one failing row at a time: another order of peeling must end in the same rows.
std::vector<int64_t> SlowCore(const Interactions& rows, int64_t core) {
  std::vector<bool> kept(rows.size(), true);
  const auto count = [&](const Column<int32_t>& column, int32_t number) {
    int64_t found = 0;
    for (size_t row = 0; row < rows.size(); ++row) found += kept[row] && column[row] == number;
    return found;
  };
  for (size_t row = 0; row < rows.size();) {
    const bool falls = kept[row] && (count(rows.user, rows.user[row]) < core ||
                                     count(rows.item, rows.item[row]) < core);
    if (falls) kept[row] = false;
    row = falls ? 0 : row + 1;
  }
  std::vector<int64_t> times;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (kept[row]) times.push_back(rows.time[row]);
  }
  return times;
}

TEST(FilterKCore, AgreesWithOneAtATime) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    Interactions rows;
    for (int64_t row = 0; row < 60; ++row) {
      rows.Add(StrCat("u", random.Below(14)), StrCat("i", random.Below(14)), row);
    }
    const std::vector<int64_t> expected = SlowCore(rows, 4);
    FilterKCore(4, 4, &rows);
    EXPECT_THAT(rows.time, ElementsAreArray(expected));
  }
}

}  // namespace
}  // namespace openp5::datasets

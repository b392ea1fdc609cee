#include "datasets/column.h"

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Column<int64_t> Counting(int64_t size) {
  Column<int64_t> column;
  for (int64_t row = 0; row < size; ++row) column.push_back(row);
  return column;
}

TEST(Column, KeepsItsValuesWhileItGrowsAndShrinks) {
  Column<int64_t> column = Counting(1'000'000);
  std::vector<int64_t> expected(1'000'000);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_TRUE(std::equal(column.begin(), column.end(), expected.begin(), expected.end()));
  column.resize(1001);
  expected.resize(1001);
  column.push_back(-1);
  expected.push_back(-1);
  EXPECT_TRUE(std::equal(column.begin(), column.end(), expected.begin(), expected.end()));
  column.resize(0);
  EXPECT_TRUE(column.empty());
  column.push_back(7);
  EXPECT_THAT(column, ElementsAre(7));
  EXPECT_EQ(column.back(), 7);
}

TEST(Column, MovesWithoutLosingOrSharing) {
  Column<int64_t> first = Counting(3);
  Column<int64_t> second = std::move(first);
  EXPECT_THAT(second, ElementsAre(0, 1, 2));
  Column<int64_t> third = Counting(100'000);
  third = std::move(second);
  EXPECT_THAT(third, ElementsAre(0, 1, 2));
  third = Column<int64_t>();
  EXPECT_THAT(third, IsEmpty());
}

TEST(Column, IsASpan) {
  const Column<int64_t> column = Counting(4);
  const std::span<const int64_t> span(column);
  EXPECT_THAT(span.subspan(1), ElementsAre(1, 2, 3));
  EXPECT_THAT(std::span<const int64_t>(Column<int64_t>()), IsEmpty());
}

}  // namespace
}  // namespace openp5::datasets

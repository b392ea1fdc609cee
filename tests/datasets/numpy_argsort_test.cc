#include "datasets/numpy_argsort.h"

#include "platform/base/digest.h"
#include "platform/base/status.h"
#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Of the row numbers, a decimal line each.
std::string DigestOf(const std::vector<int64_t>& keys) {
  std::string text;
  for (const int64_t row : NumpyArgsort(keys)) text += StrCat(row, "\n");
  return Sha256Of(text);
}

// Expected orders and digests were computed with NumPy 2.4.6, its vectorised sorts switched off.

TEST(NumpyArgsort, SortsShortInputStably) {
  EXPECT_THAT(NumpyArgsort({}), IsEmpty());
  EXPECT_THAT(NumpyArgsort(std::vector<int64_t>{5}), ElementsAre(0));
  EXPECT_THAT(NumpyArgsort(std::vector<int64_t>{2, 1, 2, 1}), ElementsAre(1, 3, 0, 2));
}

TEST(NumpyArgsort, PartitionsFromSeventeenEntriesOn) {
  EXPECT_THAT(NumpyArgsort(std::vector<int64_t>{3, 1, 2, 1, 3, 2, 1, 1, 2, 3, 3, 1, 2, 2, 1, 3, 1}),
              ElementsAre(16, 1, 14, 3, 6, 7, 11, 13, 12, 8, 5, 2, 10, 15, 4, 9, 0));
}

TEST(NumpyArgsort, LeavesTiesAsNumPyDoes) {
  const auto keys = [](int64_t size, int64_t distinct) {
    std::vector<int64_t> result;
    for (int64_t i = 0; i < size; ++i) result.push_back(i * 7919 % distinct);
    return result;
  };
  EXPECT_EQ(DigestOf(keys(100, 7)),
            "5ae7462c605ab050580db34a2ff24f298ea5f81aae8160868cf1d2dc4c45f86c");
  EXPECT_EQ(DigestOf(keys(1000, 50)),
            "16d93868e332ae58094e71d3ecfe2cc246281ff57d931062bea549f85968c100");
  EXPECT_EQ(DigestOf(keys(5000, 1)),
            "6d0bb56432872f7993ef90b89f1ea9c4e6f9107015ce5538c919f5e2c9564297");
}

// A sequence that makes the median of three fail, so that the depth limit is reached (Musser 1997).
TEST(NumpyArgsort, FallsBackToHeapSortAsNumPyDoes) {
  std::vector<int64_t> keys(1000);
  const int64_t half = 500;
  for (int64_t i = 1; i <= half; ++i) {
    if (i % 2 == 1) {
      keys[static_cast<size_t>(i - 1)] = i;
      keys[static_cast<size_t>(i)] = half + i;
    }
    keys[static_cast<size_t>(half + i - 1)] = 2 * i;
  }
  for (int64_t& key : keys) key /= 3;  // for ties
  EXPECT_EQ(DigestOf(keys), "3273e6e3e06199d342c48b51b485ac32d5e39ed7988d9cdb1b23df5100da1b8f");
}

}  // namespace
}  // namespace openp5::datasets

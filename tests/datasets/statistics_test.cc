#include "datasets/statistics.h"

#include "tests/testing/testing.h"

namespace openp5::datasets {
namespace {

using ::testing::ElementsAre;

TEST(Statistics, DescribeLengthsAndItems) {
  const auto dataset =
      SequenceDataset::Parse("Toy", "1 a b c\n2 a b c d e\n3 e e a b c d\n", "toy");
  OPENP5_ASSERT_OK(dataset);
  const DatasetStatistics statistics = ComputeStatistics(*dataset, 3);
  EXPECT_EQ(statistics.users, 3);
  EXPECT_EQ(statistics.items, 5);
  EXPECT_EQ(statistics.interactions, 14);
  EXPECT_NEAR(statistics.sparsity, 100.0 / 15, 1e-9);
  EXPECT_EQ(statistics.shortest, 3);
  EXPECT_EQ(statistics.longest, 6);
  EXPECT_EQ(statistics.median_length, 5);
  EXPECT_NEAR(statistics.mean_length, 14.0 / 3, 1e-9);
  ASSERT_EQ(statistics.top_items.size(), 3u);
  EXPECT_EQ(dataset->ItemId(statistics.top_items[0].item), "a");
  EXPECT_EQ(dataset->ItemId(statistics.top_items[2].item), "c");
  EXPECT_EQ(statistics.top_items[2].count, 3);
}

TEST(Statistics, CountUsersByRangesOfLengths) {
  const auto ranges = [](const std::vector<int>& lengths) {
    std::string text;
    for (size_t user = 0; user < lengths.size(); ++user) {
      text += StrCat(user);
      for (int i = 0; i < lengths[user]; ++i) text += " a";
      text += "\n";
    }
    return ComputeStatistics(*SequenceDataset::Parse("Toy", text, "toy"), 1).length_ranges;
  };
  EXPECT_THAT(ranges({33, 5, 9, 8, 5, 64}),
              ElementsAre(LengthRange{5, 8, 3}, LengthRange{9, 16, 1}, LengthRange{17, 32, 0},
                          LengthRange{33, 64, 2}));
  EXPECT_THAT(ranges({4, 3}), ElementsAre(LengthRange{3, 4, 2}));
}

TEST(Statistics, TakeTheMiddleOfAnEvenCount) {
  const auto dataset = SequenceDataset::Parse("Toy", "1 a b c\n2 a b c d e f\n", "toy");
  OPENP5_ASSERT_OK(dataset);
  const DatasetStatistics statistics = ComputeStatistics(*dataset, 100);
  EXPECT_EQ(statistics.median_length, 4.5);
  EXPECT_EQ(statistics.top_items.size(), 6u);
  EXPECT_TRUE(ComputeStatistics(*dataset, 0).top_items.empty());
}

}  // namespace
}  // namespace openp5::datasets

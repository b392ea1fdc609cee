#include "platform/base/random.h"

#include <algorithm>
#include <set>
#include <vector>

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

// The first numbers of the generator's published C code from seed 1234567.
TEST(SplitMix64Test, EqualsTheReference) {
  const std::vector<uint64_t> expected = {6457827717110365317u, 3203168211198807973u,
                                          9817491932198370423u, 4593380528125082431u,
                                          16408922859458223821u};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(SplitMix64(1234567 + i * kSplitMix64Step), expected[i]) << i;
  }
}

TEST(RandomTest, HasTheDistributionsItNames) {
  Random random(1);
  std::vector<int> values = {0, 1, 2, 3, 4, 5, 6, 7};
  random.Shuffle(std::span(values));
  EXPECT_THAT(values, ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  std::vector<int> count(5, 0);
  for (int i = 0; i < 5000; ++i) ++count[random.Below(5)];
  for (const int times : count) EXPECT_NEAR(times, 1000, 150);
  double sum = 0, squares = 0;
  for (int i = 0; i < 20000; ++i) {
    const double value = random.Normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.05);
}

TEST(RandomTest, DrawsDistinctNumbers) {
  Random random(3);
  std::vector<int64_t> drawn = random.Draw(5, 9);
  EXPECT_EQ(drawn.size(), 5u);
  EXPECT_EQ(std::set<int64_t>(drawn.begin(), drawn.end()).size(), 5u);
  EXPECT_LT(*std::max_element(drawn.begin(), drawn.end()), 9);
  EXPECT_EQ(random.Draw(9, 3).size(), 3u);
  EXPECT_TRUE(random.Draw(0, 3).empty());
  // Every number is drawn as often.
  std::vector<int> times(6, 0);
  for (int i = 0; i < 6000; ++i) {
    for (const int64_t number : random.Draw(2, 6)) ++times[static_cast<size_t>(number)];
  }
  for (const int n : times) EXPECT_NEAR(n, 2000, 150);
}

}  // namespace
}  // namespace openp5

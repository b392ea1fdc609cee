#include "evaluators/metrics.h"

#include <algorithm>
#include <cmath>

#include "tests/evaluators/toy_lists.h"
#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::openp5::testing::ListsOf;
using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<Metric>> Parse(const std::vector<std::string>& names) {
  return ParseMetrics(names);
}

// The values of `names` for lists of 1 (the target) and 0 (another item).
std::vector<MetricValue> Values(const std::vector<std::string>& names,
                                const std::vector<std::vector<int32_t>>& relevance) {
  const auto dataset = datasets::SequenceDataset::Parse("toy", "u a b c\n", "toy");
  return Measure(*Parse(names), {*dataset, ListsOf(relevance)});
}

TEST(MetricsTest, ParsesNameAndK) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics, Parse({"hit@5", "ndcg@20"}));
  ASSERT_EQ(metrics.size(), 2u);
  EXPECT_EQ(metrics[1].name, "ndcg@20");
  EXPECT_EQ(metrics[1].k, 20);
  EXPECT_EQ(LargestK(metrics), 20);
}

TEST(MetricsTest, NamesWhatIsWrongWithAMetric) {
  for (const std::string name : {"hit", "hit@", "hit@0", "hit@-1", "hit@5x", "mmr@5", "@5"}) {
    const auto metrics = Parse({name});
    EXPECT_THAT(metrics,
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("one of coverage, debiased-hit"), HasSubstr(name))));
    EXPECT_TRUE(IsUsageError(metrics.status())) << name;
  }
  EXPECT_THAT(Parse({"hit@5", "hit@5"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'hit@5' is given twice")));
  EXPECT_THAT(Parse({}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one")));
}

TEST(MetricsTest, AveragesOverUsers) {
  const std::vector<std::string> names = {"hit@1", "hit@3", "ndcg@3"};
  for (const MetricValue& none : Values(names, {})) EXPECT_EQ(none.value, 0);
  const auto values = Values(names, {{1, 0, 0}, {0, 0, 1, 0}, {0}, {0, 0, 0, 1}});
  EXPECT_DOUBLE_EQ(values[0].value, 0.25);
  EXPECT_DOUBLE_EQ(values[1].value, 0.5);
  EXPECT_DOUBLE_EQ(values[2].value, (1.0 + 0.5) / 4);
  EXPECT_EQ(values[2].users, (std::vector<double>{1, 0.5, 0, 0}));
}

// A list that holds the target twice counts it twice, as in OpenP5.
TEST(MetricsTest, NdcgAddsRepeats) {
  const auto values = Values({"ndcg@2", "hit@2"}, {{1, 1}});
  EXPECT_DOUBLE_EQ(values[0].value, 1.0 + 1.0 / std::log2(3.0));
  EXPECT_DOUBLE_EQ(values[1].value, 1.0);
}

// Ranks 1, 3 and none.
TEST(MetricsTest, AccuracyOfEachUser) {
  const std::vector<std::vector<int32_t>> lists = {{1, 0, 0}, {0, 0, 1}, {0, 0, 0}};
  const auto values =
      Values({"recall@3", "precision@3", "mrr@3", "map@3", "rbp@3", "mrr@2", "precision@5"}, lists);
  EXPECT_EQ(values[0].users, (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(values[1].users, (std::vector<double>{1.0 / 3, 1.0 / 3, 0}));
  EXPECT_EQ(values[2].users, (std::vector<double>{1, 1.0 / 3, 0}));
  EXPECT_EQ(values[3].users, values[2].users);
  EXPECT_NEAR(values[4].users[0], 0.2, 1e-12);
  EXPECT_NEAR(values[4].users[1], 0.2 * 0.64, 1e-12);
  EXPECT_EQ(values[5].users, (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(values[6].users, (std::vector<double>{0.2, 0.2, 0}));  // of a list shorter than k
}

// Training parts a b, a: counts are a 2, b 1, and none of c and d.
TEST(MetricsTest, OfTheCatalogue) {
  const auto dataset = datasets::SequenceDataset::Parse("toy", "u a b c d\nv a c b\n", "toy");
  OPENP5_ASSERT_OK(dataset);
  const std::vector<UserRanking> rankings = {{.user = 0, .target = 3, .items = {0, 1, -1}},
                                             {.user = 1, .target = 1, .items = {0, 1}}};
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics,
                              Parse({"coverage@2", "coverage@1", "gini@2", "entropy@2", "novelty@2",
                                     "popularity@2", "tail@2", "debiased-hit@2"}));
  const auto values = Measure(metrics, {*dataset, rankings});
  EXPECT_DOUBLE_EQ(values[0].value, 0.5);
  EXPECT_DOUBLE_EQ(values[1].value, 0.25);
  // Shown 2, 2, 0, 0 times: (1 x 2 + 3 x 2) / (4 x 4).
  EXPECT_DOUBLE_EQ(values[2].value, 0.5);
  EXPECT_DOUBLE_EQ(values[3].value, 1);
  // Shares with one more of each: 3/7 and 2/7.
  EXPECT_NEAR(values[4].users[0], -(std::log2(3.0 / 7) + std::log2(2.0 / 7)) / 2, 1e-12);
  EXPECT_EQ(values[5].users, (std::vector<double>{1.5, 1.5}));
  EXPECT_EQ(values[6].users, (std::vector<double>{0, 0}));  // a has 2/3, a and b all of them
  // Targets d (0 interactions, weight 1) missed and b (1, weight 1/2) hit.
  EXPECT_NEAR(values[7].value, 0.5 / 1.5, 1e-12);
}

// Metrics of the test's own: one by user, and one of all lists together.
TEST(MetricsTest, AMetricOfOnesOwnEntersByTheRegistryAlone) {
  Registry<MetricFunction> registry("metric");
  OPENP5_ASSERT_OK(RegisterBuiltinMetrics(&registry));
  OPENP5_ASSERT_OK(registry.Register(
      "length", {.of_users = [](const RankedLists& lists, int64_t k, std::span<double> values) {
        for (size_t i = 0; i < values.size(); ++i) {
          values[i] = std::min<double>(static_cast<double>(k), lists.rankings[i].items.size());
        }
      }}));
  OPENP5_ASSERT_OK(
      registry.Register("catalogue", {.of_lists = [](const RankedLists& lists, int64_t) {
                          return static_cast<double>(lists.dataset.item_count());
                        }}));
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics,
                              ParseMetrics(registry, {"length@2", "catalogue@1"}));
  const auto dataset = datasets::SequenceDataset::Parse("toy", "u a b c\n", "toy");
  const auto values = Measure(metrics, {*dataset, ListsOf({{0, 0, 1}, {1}})});
  EXPECT_DOUBLE_EQ(values[0].value, 1.5);
  EXPECT_EQ(values[0].users, (std::vector<double>{2, 1}));
  EXPECT_DOUBLE_EQ(values[1].value, 3);
  EXPECT_TRUE(values[1].users.empty());
}

}  // namespace
}  // namespace openp5::evaluators

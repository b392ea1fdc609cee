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
  for (const std::string name : {"hit", "hit@", "hit@0", "hit@-1", "hit@5x", "mrr@5", "@5"}) {
    const auto metrics = Parse({name});
    EXPECT_THAT(metrics, StatusIs(absl::StatusCode::kInvalidArgument,
                                  AllOf(HasSubstr("one of hit, ndcg"), HasSubstr(name))));
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

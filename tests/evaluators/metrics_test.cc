#include "evaluators/metrics.h"

#include <cmath>

#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<Metric>> Parse(const std::vector<std::string>& names) {
  Registry<MetricFunction> registry("metric");
  OPENP5_RETURN_IF_ERROR(RegisterBuiltinMetrics(&registry));
  return ParseMetrics(registry, names);
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
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics, Parse({"hit@1", "hit@3", "ndcg@3"}));
  MetricAverages averages(metrics);
  EXPECT_EQ(averages.Means(), (std::vector<double>{0, 0, 0}));
  averages.Add(std::vector<uint8_t>{1, 0, 0});
  averages.Add(std::vector<uint8_t>{0, 0, 1, 0});
  averages.Add(std::vector<uint8_t>{0});
  averages.Add(std::vector<uint8_t>{0, 0, 0, 1});
  const std::vector<double> means = averages.Means();
  EXPECT_DOUBLE_EQ(means[0], 0.25);
  EXPECT_DOUBLE_EQ(means[1], 0.5);
  EXPECT_DOUBLE_EQ(means[2], (1.0 + 0.5) / 4);
}

// A list that holds the target twice counts it twice, as in OpenP5.
TEST(MetricsTest, NdcgAddsRepeats) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto metrics, Parse({"ndcg@2", "hit@2"}));
  MetricAverages averages(metrics);
  averages.Add(std::vector<uint8_t>{1, 1});
  EXPECT_DOUBLE_EQ(averages.Means()[0], 1.0 + 1.0 / std::log2(3.0));
  EXPECT_DOUBLE_EQ(averages.Means()[1], 1.0);
}

}  // namespace
}  // namespace openp5::evaluators

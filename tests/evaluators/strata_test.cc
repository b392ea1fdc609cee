#include "evaluators/strata.h"

#include <map>

#include "tests/testing/testing.h"

namespace openp5::evaluators {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Training parts: a b | a c | a d | a a b e b. Targets of the test split: a (head, a repeat),
// c, x (cold), d.
constexpr char kSequences[] =
    "u1 a b z a\n"
    "u2 a c b c\n"
    "u3 a d b x\n"
    "u4 a a b e b a d\n";

class StrataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    OPENP5_ASSERT_OK_AND_ASSIGN(const auto dataset,
                                datasets::SequenceDataset::Parse("toy", kSequences, "toy"));
    const auto positions =
        datasets::SplitPositions(dataset, datasets::Split::kTest, /*skip_empty_history=*/true);
    const std::vector<MetricValue> metrics = {
        {.name = "hit@1", .value = 0.5, .users = {1, 0, 0, 1}},
        {.name = "coverage@1", .value = 0.5}};
    strata_ = MeasureStrata(dataset, positions, metrics, {.resamples = 100});
  }
  // The users of the parts of one property.
  std::map<std::string, int64_t> Users(const std::string& property) const {
    std::map<std::string, int64_t> users;
    for (const Stratum& stratum : strata_) {
      if (stratum.property == property) users[stratum.name] = stratum.users;
    }
    return users;
  }

  std::vector<Stratum> strata_;
};

TEST_F(StrataTest, DividesTheUsers) {
  // Training counts: a 5, b 3, c, d and e 1 each, of 11.
  EXPECT_THAT(Users("target popularity"), UnorderedElementsAre(Pair("head", 1), Pair("tail", 3)));
  EXPECT_THAT(Users("history length"),
              UnorderedElementsAre(Pair("up to 5", 3), Pair("6 to 10", 1)));
  EXPECT_THAT(Users("cold target"), UnorderedElementsAre(Pair("yes", 1), Pair("no", 3)));
  EXPECT_THAT(Users("repeat"), UnorderedElementsAre(Pair("yes", 2), Pair("no", 2)));
  EXPECT_THAT(Users("reachable"), UnorderedElementsAre(Pair("yes", 3), Pair("no", 1)));
}

TEST_F(StrataTest, MeasuresEachPart) {
  for (const Stratum& stratum : strata_) {
    ASSERT_EQ(stratum.values.size(), 1u);  // coverage has no value a user
    EXPECT_LE(stratum.values[0].interval.low, stratum.values[0].mean);
    EXPECT_GE(stratum.values[0].interval.high, stratum.values[0].mean);
  }
  const Stratum& head = strata_.front();
  EXPECT_EQ(head.name, "head");
  EXPECT_EQ(head.share, 0.25);
  EXPECT_EQ(head.values[0].metric, "hit@1");
  EXPECT_EQ(head.values[0].mean, 1);
  EXPECT_EQ(head.values[0].interval.low, 1);
}

}  // namespace
}  // namespace openp5::evaluators

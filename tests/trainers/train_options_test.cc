#include "trainers/train_options.h"

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

TEST(TrainOptionsTest, OneWeightForAllChangesNothing) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto weights,
                              (TrainOptions{.sampling = {.alpha = {"2"}}}.TaskWeights(3)));
  EXPECT_EQ(weights, (std::vector<double>{1, 1, 1}));
}

TEST(TrainOptionsTest, WeightsHaveMeanOne) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto weights,
                              (TrainOptions{.sampling = {.alpha = {"3", "1"}}}.TaskWeights(2)));
  EXPECT_EQ(weights, (std::vector<double>{1.5, 0.5}));
}

TEST(TrainOptionsTest, NamesWhatIsWrongWithAList) {
  EXPECT_THAT(
      (TrainOptions{.sampling = {.alpha = {"1", "2", "3"}}}.TaskWeights(2)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("--alpha: expected one number or one for each of 2 tasks, got 3")));
  for (const std::string text : {"x", "0", "-1", "nan", ""}) {
    EXPECT_THAT((TrainOptions{.sampling = {.alpha = {text}}}.TaskWeights(1)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--alpha")));
  }
  EXPECT_THAT((TrainOptions{.sampling = {.sample_num = {"1.5"}}}.SampleNumbers(1)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--sample-num")));
}

TEST(TrainOptionsTest, CompatStartsTheScheduleAtZero) {
  EXPECT_EQ(TrainOptions{}.ScheduleName(), "linear");
  EXPECT_EQ((TrainOptions{.openp5_compat = true}.ScheduleName()), "linear-from-zero");
  EXPECT_EQ((TrainOptions{.schedule = {.name = "constant"}, .openp5_compat = true}.ScheduleName()),
            "constant");
}

}  // namespace
}  // namespace openp5::trainers

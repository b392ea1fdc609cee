#include "trainers/training_data.h"

#include <set>

#include "tests/testing/tiny_world.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::openp5::testing::TinyWorld;
using ::testing::HasSubstr;

class TrainingDataTest : public ::testing::Test {
 protected:
  absl::StatusOr<TrainingData> Make(const TrainingDataOptions& options,
                                    const std::vector<std::string>& tasks = {"sequential"}) {
    return TrainingData::Create({world_.dataset.get()}, world_.prompts, tasks, options);
  }
  TinyWorld world_;
};

TEST_F(TrainingDataTest, EveryPositionUnderEverySeenTemplate) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto data, Make({}, {"sequential", "straightforward"}));
  const auto groups = data.groups();
  ASSERT_EQ(groups.size(), 2u);
  const auto positions =
      datasets::SplitPositions(world_.dataset->dataset(), datasets::Split::kTrain, true);
  const auto templates = world_.prompts.Seen("sequential");
  EXPECT_EQ(groups[0].size, static_cast<int64_t>(positions.size() * templates.size()));
  // Sample 11 with ten templates is the second position under the second template.
  const auto number = static_cast<int32_t>(templates.size() + 1);
  ASSERT_EQ(data.Run(0, number).size(), 1u);
  const datasets::Sample sample = data.Run(0, number).front();
  const datasets::Sample expected = world_.dataset->writer().Write(*templates[1], positions[1]);
  EXPECT_EQ(sample.input, expected.input);
  EXPECT_EQ(sample.output, expected.output);
}

TEST_F(TrainingDataTest, SampledTemplatesAreAFunctionOfSeedAndEpoch) {
  const TrainingDataOptions options{.sample_prompt = true, .sample_numbers = {2}, .seed = 9};
  OPENP5_ASSERT_OK_AND_ASSIGN(auto one, Make(options));
  OPENP5_ASSERT_OK_AND_ASSIGN(auto two, Make(options));
  const auto inputs = [](const TrainingData& data) {
    std::string text;
    for (int32_t i = 0; i < data.groups()[0].size; ++i) text += data.Run(0, i).front().input + "\n";
    return text;
  };
  one.StartEpoch(0);
  const std::string first = inputs(one);
  one.StartEpoch(1);
  two.StartEpoch(1);
  EXPECT_EQ(inputs(one), inputs(two));
  EXPECT_NE(inputs(one), first);
}

// Every position once, in runs whose histories begin at one item and are no longer than max_history
// (20, more than a user of this dataset has) allows.
TEST_F(TrainingDataTest, RunsHoldEveryPositionOnce) {
  OPENP5_ASSERT_OK_AND_ASSIGN(auto single, Make({}));
  OPENP5_ASSERT_OK_AND_ASSIGN(auto runs, Make({.run_length = 3}));
  std::multiset<std::string> expected, got;
  for (int32_t i = 0; i < single.groups()[0].size; ++i) expected.insert(single.Run(0, i)[0].input);
  size_t longest = 0;
  for (int32_t i = 0; i < runs.groups()[0].size; ++i) {
    const auto run = runs.Run(0, i);
    longest = std::max(longest, run.size());
    for (const datasets::Sample& sample : run) got.insert(sample.input);
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(longest, 3u);
}

TEST_F(TrainingDataTest, ValidationAsksEveryUserOnce) {
  OPENP5_ASSERT_OK_AND_ASSIGN(const auto data, Make({}));
  EXPECT_EQ(data.ValidationSize(0), world_.dataset->dataset().user_count());
  EXPECT_EQ(data.ValidationSamples(0, 1, 3).size(), 2u);
}

TEST_F(TrainingDataTest, NamesAMissingTemplate) {
  EXPECT_THAT(Make({}, {"review"}), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'review'")));
  EXPECT_THAT(Make({.valid_prompt = "seen:50"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("seen:50")));
}

}  // namespace
}  // namespace openp5::trainers

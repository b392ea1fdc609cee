#include "trainers/task_sampler.h"

#include <map>
#include <set>

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

using ::openp5::testing::StatusIs;
using ::testing::HasSubstr;

TaskSampler Make(std::vector<TaskGroup> groups, const TaskSamplerOptions& options) {
  auto sampler = TaskSampler::Create(std::move(groups), options);
  EXPECT_TRUE(sampler.ok());
  return *std::move(sampler);
}

std::vector<std::vector<int32_t>> Epoch(const TaskSampler& sampler) {
  std::vector<std::vector<int32_t>> batches;
  for (int64_t i = 0; i < sampler.batches_per_epoch(); ++i) {
    batches.push_back(sampler.Get(i).samples);
  }
  return batches;
}

TEST(TaskSamplerTest, TakesGroupsInTurnUntilTheLargestEnds) {
  TaskSampler sampler = Make({{0, 10}, {0, 3}}, {.batch_size = 4, .seed = 1});
  sampler.StartEpoch(0);
  ASSERT_EQ(sampler.batches_per_epoch(), 6);  // three rounds of two groups
  std::map<int64_t, std::map<int32_t, int>> seen;
  for (int64_t i = 0; i < 6; ++i) {
    const TaskSampler::Batch batch = sampler.Get(i);
    EXPECT_EQ(batch.group, i % 2);
    EXPECT_EQ(batch.samples.size(), 4u);
    for (const int32_t sample : batch.samples) ++seen[batch.group][sample];
  }
  EXPECT_EQ(seen[0].size(), 10u);
  EXPECT_EQ(seen[1].size(), 3u);
  // The short group starts again in the same order: 12 draws of 3 samples.
  for (const auto& [sample, count] : seen[1]) EXPECT_EQ(count, 4) << sample;
}

TEST(TaskSamplerTest, EpochsCanBeReplayed) {
  TaskSampler stepped = Make({{0, 50}, {1, 20}}, {.batch_size = 8, .seed = 5});
  stepped.StartEpoch(0);
  const auto first = Epoch(stepped);
  stepped.StartEpoch(1);
  stepped.StartEpoch(2);
  TaskSampler jumped = Make({{0, 50}, {1, 20}}, {.batch_size = 8, .seed = 5});
  jumped.StartEpoch(2);
  EXPECT_EQ(Epoch(stepped), Epoch(jumped));
  EXPECT_NE(Epoch(stepped), first);
}

// Batch n of all ranks together is batch n of one process with batches as large as theirs together,
// also where groups begin again.
TEST(TaskSamplerTest, RanksShareEveryBatch) {
  constexpr int64_t kRanks = 3, kBatch = 4;
  const std::vector<TaskGroup> groups = {{0, 25}, {1, 7}};
  TaskSampler one = Make(groups, {.batch_size = kRanks * kBatch, .seed = 1});
  one.StartEpoch(0);
  std::vector<std::multiset<int32_t>> together(static_cast<size_t>(one.batches_per_epoch()));
  for (int64_t rank = 0; rank < kRanks; ++rank) {
    TaskSampler sampler =
        Make(groups, {.batch_size = kBatch, .seed = 1, .rank = rank, .world_size = kRanks});
    sampler.StartEpoch(0);
    ASSERT_EQ(sampler.batches_per_epoch(), one.batches_per_epoch());
    for (size_t i = 0; i < together.size(); ++i) {
      for (const int32_t s : sampler.Get(static_cast<int64_t>(i)).samples) together[i].insert(s);
    }
  }
  const auto whole = Epoch(one);
  for (size_t i = 0; i < together.size(); ++i) {
    EXPECT_EQ(together[i], std::multiset<int32_t>(whole[i].begin(), whole[i].end())) << i;
  }
}

TEST(TaskSamplerTest, RefusesWhatCannotBeSampled) {
  EXPECT_THAT(TaskSampler::Create({}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one")));
  EXPECT_THAT(TaskSampler::Create({{0, 0}}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 0")));
}

}  // namespace
}  // namespace openp5::trainers

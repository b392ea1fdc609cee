#include "trainers/train_meter.h"

#include <ATen/ops/empty.h>

#include "tests/testing/testing.h"

namespace openp5::trainers {
namespace {

TrainMeter::Clock::time_point now;

models::TrainingBatch Batch(std::vector<int64_t> inputs, std::vector<int64_t> labels) {
  models::TrainingBatch batch;
  batch.input.lengths = std::move(inputs);
  batch.labels.lengths = std::move(labels);
  return batch;
}

BatchCounts CountsOf(const models::TrainingBatch& batch) {
  BatchCounts counts;
  counts.Add(batch, static_cast<int64_t>(batch.labels.lengths.size()));
  return counts;
}

TEST(TrainMeterTest, CountsSamplesTokensAndPadding) {
  TrainMeter meter([] { return now; });
  EXPECT_EQ(meter.Overall().padding_share, 0);
  meter.Add(CountsOf(Batch({10, 6}, {3, 1})));
  now += std::chrono::seconds(2);
  const Throughput first = meter.SinceLast();
  EXPECT_DOUBLE_EQ(first.samples_per_second, 1);
  EXPECT_DOUBLE_EQ(first.tokens_per_second, 10);
  EXPECT_DOUBLE_EQ(first.padding_share, 1 - 20.0 / 26);
  meter.Add(CountsOf(Batch({5, 5, 5, 5}, {1, 1, 1, 1})));
  now += std::chrono::seconds(1);
  const Throughput second = meter.SinceLast();
  EXPECT_DOUBLE_EQ(second.samples_per_second, 4);
  EXPECT_DOUBLE_EQ(second.tokens_per_second, 24);
  EXPECT_DOUBLE_EQ(second.padding_share, 0);
  EXPECT_DOUBLE_EQ(meter.Overall().samples_per_second, 2);
  EXPECT_DOUBLE_EQ(meter.Overall().padding_share, 1 - 44.0 / 50);
}

TEST(TrainMeterTest, ACausalModelsLabelsAreInItsInput) {
  TrainMeter meter([] { return now; });
  models::TrainingBatch batch = Batch({10, 5}, {3, 1});
  batch.label_positions = at::empty({4}, at::kLong);
  meter.Add(CountsOf(batch));
  now += std::chrono::seconds(1);
  EXPECT_DOUBLE_EQ(meter.Overall().tokens_per_second, 15);
  EXPECT_DOUBLE_EQ(meter.Overall().padding_share, 0.25);
}

}  // namespace
}  // namespace openp5::trainers

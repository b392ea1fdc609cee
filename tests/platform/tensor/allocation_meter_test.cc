#include "platform/tensor/allocation_meter.h"

#include <torch/types.h>

#include <thread>

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

constexpr int64_t kMebibyte = 1 << 20;

at::Tensor Mebibytes(int64_t count) { return at::zeros({count * kMebibyte / 4}); }

TEST(AllocationMeterTest, CountsWhatIsThereAtOneTime) {
  at::Tensor before = Mebibytes(8);
  AllocationMeter meter;
  EXPECT_EQ(meter.TakePeak(), 0);
  const at::Tensor kept = Mebibytes(1);
  { const at::Tensor passing = Mebibytes(4); }
  { const at::Tensor passing = Mebibytes(2); }
  EXPECT_EQ(meter.TakePeak(), 5 * kMebibyte);
  // From now on only what is kept is there.
  EXPECT_EQ(meter.TakePeak(), kMebibyte);
  before.reset();
  EXPECT_EQ(meter.TakePeak(), kMebibyte);
}

TEST(AllocationMeterTest, HearsOfBackwardPasses) {
  const at::Tensor weight = Mebibytes(1).requires_grad_(true);
  const at::Tensor loss = (weight * 2).sum();
  AllocationMeter meter;
  loss.backward();
  EXPECT_GE(meter.TakePeak(), kMebibyte);
}

TEST(AllocationMeterTest, EndsAndBelongsToItsThread) {
  { AllocationMeter ended; }
  AllocationMeter meter;
  std::thread([] { Mebibytes(4); }).join();
  EXPECT_EQ(meter.TakePeak(), 0);
}

TEST(ExtrapolateBytesTest, GoesAlongTheLine) {
  EXPECT_EQ(ExtrapolateBytes({1, 100}, {2, 150}, 10), 550);
  EXPECT_EQ(ExtrapolateBytes({1, 100}, {2, 150}, 2), 150);
  EXPECT_EQ(ExtrapolateBytes({1, 100}, {2, 90}, 10), 90);  // a batch takes no less than its part
  EXPECT_EQ(ExtrapolateBytes({1, 100}, {1, 100}, 10), 100);
}

}  // namespace
}  // namespace openp5

#include "platform/tensor/allocation_meter.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace openp5 {
namespace {

// Gets a call from LibTorch for every allocation and release. A backward pass on another device
// calls from that device's thread.
class Counter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device device) override {
    if (!device.is_cpu()) return;
    const std::lock_guard lock(mutex_);
    bytes_ += size;
    peak_ = std::max(peak_, bytes_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t TakePeak() {
    const std::lock_guard lock(mutex_);
    return std::exchange(peak_, bytes_);
  }

 private:
  std::mutex mutex_;
  int64_t bytes_ = 0, peak_ = 0;
};

}  // namespace

class AllocationMeter::Impl {
 public:
  int64_t TakePeak() { return counter_->TakePeak(); }

 private:
  const std::shared_ptr<Counter> counter_ = std::make_shared<Counter>();
  const c10::DebugInfoGuard guard_{c10::DebugInfoKind::PROFILER_STATE, counter_};
};

AllocationMeter::AllocationMeter() : impl_(std::make_unique<Impl>()) {}
AllocationMeter::~AllocationMeter() = default;

int64_t AllocationMeter::TakePeak() { return impl_->TakePeak(); }

int64_t ExtrapolateBytes(const SizedBytes& small, const SizedBytes& large, double size) {
  const double slope =
      static_cast<double>(large.bytes - small.bytes) / std::max(large.size - small.size, 1.0);
  return large.bytes + static_cast<int64_t>(std::max(slope, 0.0) * (size - large.size));
}

int64_t AllocatorBytes(int64_t bytes) { return bytes + bytes * 3 / 20; }

}  // namespace openp5

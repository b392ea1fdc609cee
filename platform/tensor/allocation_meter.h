#ifndef OPENP5_PLATFORM_TENSOR_ALLOCATION_METER_H_
#define OPENP5_PLATFORM_TENSOR_ALLOCATION_METER_H_

#include <cstdint>
#include <memory>

namespace openp5 {

// Counts the memory of tensors that the thread which made the meter allocates on the CPU, backward
// passes included, from the meter's creation to its end. It hears of every allocation from LibTorch
// itself, so it does not depend on the allocator that lies below. What the libraries below LibTorch
// allocate for themselves is not counted. One meter at a time, used by its own thread.
class AllocationMeter {
 public:
  AllocationMeter();
  ~AllocationMeter();
  AllocationMeter(const AllocationMeter&) = delete;
  AllocationMeter& operator=(const AllocationMeter&) = delete;

  // Returns the most bytes that were there at one time since the last call, or since the meter
  // began. Tensors that were there before it do not count.
  int64_t TakePeak();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// A measurement: a job of `size` took `bytes`.
struct SizedBytes {
  double size = 0;
  int64_t bytes = 0;
};

// The bytes that a job of `size` takes on the line through two measurements of different sizes;
// those of the larger measurement if that line falls.
int64_t ExtrapolateBytes(const SizedBytes& small, const SizedBytes& large, double size);

// What an allocator takes from the system for tensors of `bytes` whose sizes change from batch to
// batch: blocks that are free do not fit what is asked for. Measured with jemalloc on the models of
// trainers/README.md.
int64_t AllocatorBytes(int64_t bytes);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_ALLOCATION_METER_H_

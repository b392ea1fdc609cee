#ifndef OPENP5_PLATFORM_TENSOR_RUNTIME_H_
#define OPENP5_PLATFORM_TENSOR_RUNTIME_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "platform/base/status.h"
#include "platform/config/options.h"

namespace openp5 {

// kAuto: CUDA if LibTorch has it and a device is there, else the CPU.
enum class DeviceChoice { kAuto, kCpu, kCuda };
constexpr auto EnumNames(DeviceChoice) {
  return std::to_array<const char*>({"auto", "cpu", "cuda"});
}

// What matrix products are computed in. kFloat32 gives the same numbers on every machine; kAuto is
// kBfloat16 where the hardware computes it.
enum class Precision { kAuto, kFloat32, kBfloat16, kInt8 };
constexpr auto EnumNames(Precision) {
  return std::to_array<const char*>({"auto", "float32", "bfloat16", "int8"});
}

struct RuntimeOptions {
  DeviceChoice device = DeviceChoice::kAuto;
  Precision precision = Precision::kFloat32;
  int64_t threads = 0;      // 0: one a core
  bool offer_int8 = false;  // whether kInt8 may be chosen: in commands that only generate

  void ForEach(OptionVisitor& visitor);
};

struct Runtime {
  c10::Device device = c10::Device(c10::kCPU);
  c10::ScalarType compute_type = c10::ScalarType::Float;  // Float or BFloat16, for matrix products
  bool int8 = false;  // products with weights are of int8 numbers instead

  // As --precision names it.
  std::string precision() const;
};

// Whether this CPU has 8-bit dot products. Without them, sums of int8 products saturate at 16 bits.
bool CpuComputesInt8();

// Call once, before any tensor: sets the thread count and picks device and precision, saying so if
// it is not float32. InvalidArgument for a device this LibTorch or machine has not, and for int8 on
// a GPU or on a CPU without 8-bit dot products.
absl::StatusOr<Runtime> StartRuntime(const RuntimeOptions& options);

// To be called first in main: has the process re-executed with what LibTorch and libgomp read only
// when they are loaded, unless the user set it: OMP_WAIT_POLICY=passive and GOMP_SPINCOUNT=0
// (waiting threads leave the cores to others), TORCH_CPP_LOG_LEVEL=ERROR (our own messages say it
// in a line), ONEDNN_PRIMITIVE_CACHE_CAPACITY=64 and LRU_CACHE_CAPACITY=64 (memory does not grow
// with the number of shapes met).
void EnsureEnvironment(char** argv);

// Runs `work`; an exception of LibTorch or the standard library becomes an Internal status with the
// first line of its message, out of memory ResourceExhausted.
absl::Status CatchTorch(std::string_view what, const std::function<absl::Status()>& work);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_RUNTIME_H_

#include "platform/tensor/runtime.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <c10/util/Exception.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <utility>

#include "platform/base/log.h"
#include "platform/base/parallel.h"
#include "platform/config/threads.h"

namespace openp5 {
namespace {

bool CpuHasAnyOf(std::initializer_list<const char*> names) {
  const auto capabilities = at::cpu::get_cpu_capabilities();
  for (const char* name : names) {
    const auto found = capabilities.find(name);
    if (found != capabilities.end() && found->second.isBool() && found->second.toBool())
      return true;
  }
  return false;
}

bool CpuComputesBfloat16() { return CpuHasAnyOf({"avx512_bf16", "amx_bf16", "bf16"}); }

absl::Status CheckInt8(c10::Device device) {
  if (!device.is_cpu()) {
    return InvalidArgument(
        "--precision: int8 is computed on a CPU, got a CUDA device; hint: --device cpu, or "
        "--precision bfloat16");
  }
  if (!CpuComputesInt8()) {
    return InvalidArgument(
        "--precision: int8 needs a CPU with 8-bit dot products (AVX512-VNNI, AVX-VNNI or AMX), got "
        "one without; hint: --precision float32");
  }
  return absl::OkStatus();
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

bool CpuComputesInt8() { return CpuHasAnyOf({"avx512_vnni", "avx_vnni", "amx_int8"}); }

void RuntimeOptions::ForEach(OptionVisitor& visitor) {
  visitor.Visit({.name = "device", .help = "where to compute"}, &device);
  std::vector<std::string> precisions = {"auto", "float32", "bfloat16"};
  std::string help =
      "type of matrix products; auto: bfloat16 where the hardware computes it, which is faster and "
      "rounds more";
  if (offer_int8) {
    precisions.push_back("int8");
    help += "; int8: weights and inputs rounded to 8 bits, faster still, other scores";
  }
  visitor.Visit({.name = "precision", .help = help, .choices = precisions}, &precision);
  VisitThreads(visitor, &threads);
}

std::string Runtime::precision() const {
  if (int8) return "int8";
  return compute_type == c10::ScalarType::BFloat16 ? "bfloat16" : "float32";
}

absl::StatusOr<Runtime> StartRuntime(const RuntimeOptions& options) {
  Runtime runtime;
  const int64_t threads = ThreadCount(options.threads);
  at::set_num_threads(static_cast<int>(threads));
  SetParallelThreads(static_cast<size_t>(threads));
  const bool has_cuda = at::hasCUDA();
  if (options.device == DeviceChoice::kCuda && !has_cuda) {
    return InvalidArgument(
        "--device: expected a device this LibTorch and machine have, got cuda; hint: --device cpu");
  }
  if (options.device == DeviceChoice::kCuda || (options.device == DeviceChoice::kAuto && has_cuda))
    runtime.device = c10::Device(c10::kCUDA, 0);
  if (options.precision == Precision::kInt8) {
    OPENP5_RETURN_IF_ERROR(CheckInt8(runtime.device));
    runtime.int8 = true;
    LogInfo("computes matrix products in int8: scores are close to float32's, not equal");
  }
  const bool bfloat16 = options.precision == Precision::kBfloat16 ||
                        (options.precision == Precision::kAuto &&
                         (runtime.device.is_cuda() || CpuComputesBfloat16()));
  runtime.compute_type = bfloat16 ? c10::ScalarType::BFloat16 : c10::ScalarType::Float;
  if (bfloat16) LogInfo("computes matrix products in bfloat16");
  return runtime;
}

void EnsureEnvironment(char** argv) {
  bool is_set = true;
  for (const auto& [name, value] :
       {std::pair("OMP_WAIT_POLICY", "passive"), std::pair("GOMP_SPINCOUNT", "0"),
        std::pair("TORCH_CPP_LOG_LEVEL", "ERROR"),
        // oneDNN keeps code for every shape it has met, LibTorch what it wrapped around it, 1024 of
        // each: packed batches have ever new ones, so memory would grow for hundreds of steps.
        std::pair("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64"),
        std::pair("LRU_CACHE_CAPACITY", "64")}) {
    is_set &= getenv(name) != nullptr;
    setenv(name, value, 0);
  }
  if (!is_set) execv("/proc/self/exe", argv);
  // Not a system with /proc: slower under load, and LibTorch chats.
}

absl::Status CatchTorch(std::string_view what, const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(StrCat(what, ": out of memory"));
  } catch (const c10::Error& error) {
    return absl::InternalError(StrCat(what, ": ", FirstLine(error.what_without_backtrace())));
  } catch (const std::exception& error) {
    return absl::InternalError(StrCat(what, ": ", FirstLine(error.what())));
  }
}

}  // namespace openp5

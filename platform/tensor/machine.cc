#include "platform/tensor/machine.h"

#include <ATen/Parallel.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>

#include "platform/base/file.h"
#include "platform/base/memory.h"

namespace openp5 {
namespace {

// What follows "NAME :" in the first such line of a file, e.g. "model name : Xeon"; "" if none.
std::string FieldOf(const std::string& path, std::string_view name) {
  std::istringstream lines(ReadFile(path).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (!line.starts_with(name) || colon == std::string::npos) continue;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

// The driver lists its devices in files, which spares a library of CUDA's.
nlohmann::ordered_json Gpus() {
  auto gpus = nlohmann::ordered_json::array();
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", error)) {
    gpus.push_back(FieldOf((entry.path() / "information").string(), "Model"));
  }
  return gpus;
}

std::string HostName() {
  char name[256] = "";
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

nlohmann::ordered_json DescribeMachine(const Runtime& runtime) {
  std::string cpu = FieldOf("/proc/cpuinfo", "model name");
  if (cpu.empty()) cpu = "unknown";
  nlohmann::ordered_json machine = {{"torch", TORCH_VERSION},
                                    {"allocator", AllocatorName()},
                                    {"host", HostName()},
                                    {"cpu", cpu},
                                    {"cores", std::max(1u, std::thread::hardware_concurrency())},
                                    {"memory_bytes", TotalMemory().value_or(0)},
                                    {"threads", at::get_num_threads()},
                                    {"device", runtime.device.str()},
                                    {"compute_type", runtime.precision()}};
  auto gpus = Gpus();
  if (!gpus.empty()) machine["gpus"] = std::move(gpus);
  return machine;
}

}  // namespace openp5

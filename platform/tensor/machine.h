#ifndef OPENP5_PLATFORM_TENSOR_MACHINE_H_
#define OPENP5_PLATFORM_TENSOR_MACHINE_H_

#include <nlohmann/json.hpp>

#include "platform/tensor/runtime.h"

namespace openp5 {

// What the program runs on, for run.json: {"torch", "allocator", "host", "cpu", "cores",
// "memory_bytes", "threads", "device", "compute_type"}, and "gpus" where there are any.
nlohmann::ordered_json DescribeMachine(const Runtime& runtime);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_MACHINE_H_

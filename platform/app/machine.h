#ifndef OPENP5_PLATFORM_APP_MACHINE_H_
#define OPENP5_PLATFORM_APP_MACHINE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/tensor/runtime.h"

namespace openp5::app {

// The program and what it runs on, for run.json: {"version", "commit", "torch", "allocator",
// "host", "cpu", "cores", "memory_bytes", "threads", "device", "compute_type"}, and "gpus" where
// there are any.
nlohmann::ordered_json DescribeMachine(const Runtime& runtime);

// The words as a shell reads them back, e.g. `openp5 train --history-separator ' '`.
std::string ShellCommand(const std::vector<std::string>& words);

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_MACHINE_H_

#ifndef OPENP5_PLATFORM_DISTRIBUTED_LAUNCHER_H_
#define OPENP5_PLATFORM_DISTRIBUTED_LAUNCHER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5 {

// The words this process was started with, the program's name first.
absl::StatusOr<std::vector<std::string>> OwnArguments();

// Runs the command line of this process in `count` processes of this machine, as ranks 0, 1, …, and
// waits for them; signals are passed on, and one that does not end soon after another has failed is
// killed. How they ended: a status without a message, since every message has been printed by them.
absl::Status RunRanks(int64_t count);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_DISTRIBUTED_LAUNCHER_H_

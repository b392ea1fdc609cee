#ifndef OPENP5_PLATFORM_BASE_CORES_H_
#define OPENP5_PLATFORM_BASE_CORES_H_

#include <cstdint>
#include <string>

namespace openp5 {

// How many cores this process may use: those it is allowed to run on, but no more than its control
// group gives it time of (cpu.max or, in version 1, cpu.cfs_quota_us, rounded up). At least 1.
// `root` stands for "/" (tests).
int64_t AvailableCores(const std::string& root = "/");

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_CORES_H_

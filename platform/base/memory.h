#ifndef OPENP5_PLATFORM_BASE_MEMORY_H_
#define OPENP5_PLATFORM_BASE_MEMORY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "platform/base/status.h"

namespace openp5 {

// Bytes this process can still take: the system's MemAvailable, or what its control group has left
// if that is less. Nothing where neither is known. `root` stands for "/" (tests).
std::optional<int64_t> AvailableMemory(const std::string& root = "/");

// Bytes of this process that are in memory now, and the most there ever were; bytes of memory the
// system has. Nothing where the system does not say. `root` as above.
std::optional<int64_t> ResidentMemory(const std::string& root = "/");
std::optional<int64_t> PeakMemory(const std::string& root = "/");
std::optional<int64_t> TotalMemory(const std::string& root = "/");

// "1.5 GiB", "12 MiB".
std::string MemoryText(int64_t bytes);

// Logs one line with what `what` will take and what there is; ResourceExhausted naming both if it
// cannot fit.
absl::Status ReserveMemory(const std::string& what, int64_t bytes,
                           std::optional<int64_t> available = AvailableMemory());

// "jemalloc 5.3.0", "glibc 2.36".
std::string AllocatorName();

// Gives the system all memory that is free but kept by jemalloc; does nothing with others.
void ReleaseFreeMemory();

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_MEMORY_H_

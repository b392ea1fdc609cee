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

// What this process can have in all: what it has now and what it can still take, if `processes` of
// them share the machine.
std::optional<int64_t> MemoryInReach(int64_t processes = 1);

// The most that this process will have in memory if its work takes `bytes` beside what it has now.
// Gives free memory back first, so that what earlier work has freed does not count; if earlier work
// had more at its peak, it is that.
int64_t PeakWith(int64_t bytes);

// ResourceExhausted, naming both numbers, if `what` cannot take `bytes` more. Logs nothing: for
// what is only a part of a command's memory.
absl::Status CheckMemory(const std::string& what, int64_t bytes,
                         std::optional<int64_t> available = AvailableMemory());

// The memory of a whole process at its peak, program and data included.
struct MemoryNeed {
  std::string what = {};  // the job, for messages
  int64_t peak = 0;       // bytes
  std::string hint = {};  // what makes it less
};

// Logs one line with the need and what there is; ResourceExhausted, with the hint, if it cannot
// fit.
absl::Status ReserveMemory(const MemoryNeed& need,
                           std::optional<int64_t> in_reach = MemoryInReach());

// "jemalloc 5.3.0", "glibc 2.36".
std::string AllocatorName();

// Gives the system all memory that is free but kept by jemalloc; does nothing with others.
void ReleaseFreeMemory();

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_MEMORY_H_

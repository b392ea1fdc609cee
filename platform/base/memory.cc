#include "platform/base/memory.h"

#include <gnu/libc-version.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string_view>

#include "absl/strings/numbers.h"
#include "platform/base/control_group.h"
#include "platform/base/file.h"
#include "platform/base/log.h"

// jemalloc's, absent where the program is linked without it (sanitizers).
extern "C" int mallctl(const char* name, void* old, size_t* old_size, void* value, size_t size)
    __attribute__((weak));

namespace openp5 {
namespace {

std::optional<int64_t> ReadNumber(const std::string& path) {
  const auto text = ReadFile(path);
  int64_t number = 0;
  // "max" is no number: no limit.
  if (!text.ok() || !absl::SimpleAtoi(*text, &number)) return std::nullopt;
  return number;
}

// The number of a line "NAME NUMBER …" of a file, such as "MemAvailable: 123 kB".
std::optional<int64_t> ReadField(const std::string& path, std::string_view name) {
  std::istringstream lines(ReadFile(path).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    int64_t number = 0;
    if (words >> word && word == name && words >> number) return number;
  }
  return std::nullopt;
}

// The same for a field in kB, in bytes.
std::optional<int64_t> ReadKilobytes(const std::string& path, std::string_view name) {
  const auto kilobytes = ReadField(path, name);
  if (!kilobytes.has_value()) return std::nullopt;
  return *kilobytes * 1024;
}

// What is left of a control group's limit. Pages of files can be dropped, so they do not count.
std::optional<int64_t> LeftInGroup(const std::string& folder, const char* limit_name,
                                   const char* usage_name) {
  const auto limit = ReadNumber(JoinPath(folder, limit_name));
  const auto usage = ReadNumber(JoinPath(folder, usage_name));
  if (!limit.has_value() || !usage.has_value()) return std::nullopt;
  const std::string statistics = JoinPath(folder, "memory.stat");
  const int64_t droppable = ReadField(statistics, "inactive_file").value_or(0) +
                            ReadField(statistics, "active_file").value_or(0);
  return std::max<int64_t>(0, *limit - std::max<int64_t>(0, *usage - droppable));
}

}  // namespace

std::optional<int64_t> AvailableMemory(const std::string& root) {
  std::optional<int64_t> available;
  const auto limit_to = [&available](std::optional<int64_t> bytes) {
    if (bytes.has_value()) available = std::min(*bytes, available.value_or(*bytes));
  };
  limit_to(ReadKilobytes(JoinPath(root, "proc/meminfo"), "MemAvailable:"));
  limit_to(LeftInGroup(ControlGroupFolder(root), "memory.max", "memory.current"));
  // In a container the group's own tree is the root of what can be seen.
  limit_to(LeftInGroup(JoinPath(root, "sys/fs/cgroup"), "memory.max", "memory.current"));
  limit_to(LeftInGroup(JoinPath(root, "sys/fs/cgroup/memory"), "memory.limit_in_bytes",
                       "memory.usage_in_bytes"));
  return available;
}

std::optional<int64_t> ResidentMemory(const std::string& root) {
  return ReadKilobytes(JoinPath(root, "proc/self/status"), "VmRSS:");
}

// Not getrusage's: that begins with what the parent process had.
std::optional<int64_t> PeakMemory(const std::string& root) {
  return ReadKilobytes(JoinPath(root, "proc/self/status"), "VmHWM:");
}

std::optional<int64_t> TotalMemory(const std::string& root) {
  return ReadKilobytes(JoinPath(root, "proc/meminfo"), "MemTotal:");
}

std::string MemoryText(int64_t bytes) {
  constexpr double kMebibyte = 1 << 20, kGibibyte = 1 << 30;
  const auto size = static_cast<double>(bytes);
  char text[32];
  if (size >= kGibibyte) {
    std::snprintf(text, sizeof(text), "%.1f GiB", size / kGibibyte);
  } else {
    std::snprintf(text, sizeof(text), "%.0f MiB", size / kMebibyte);
  }
  return text;
}

std::optional<int64_t> MemoryInReach(int64_t processes) {
  const std::optional<int64_t> available = AvailableMemory();
  if (!available.has_value()) return std::nullopt;
  return *available / processes + ResidentMemory().value_or(0);
}

int64_t PeakWith(int64_t bytes) {
  constexpr int64_t kFirstUse = int64_t{12} << 20;  // stacks, and code that is not read in yet
  ReleaseFreeMemory();
  return std::max(PeakMemory().value_or(0), ResidentMemory().value_or(0) + kFirstUse + bytes);
}

absl::Status CheckMemory(const std::string& what, int64_t bytes, std::optional<int64_t> available) {
  if (!available.has_value() || bytes <= *available) return absl::OkStatus();
  return absl::ResourceExhaustedError(StrCat(what, ": expected ", MemoryText(bytes),
                                             " of memory, got ", MemoryText(*available),
                                             " available"));
}

absl::Status ReserveMemory(const MemoryNeed& need, std::optional<int64_t> in_reach) {
  LogInfo(
      StrCat(need.what, ": needs about ", MemoryText(need.peak), " of memory, ",
             in_reach.has_value() ? MemoryText(*in_reach) + " available" : "available: unknown"));
  const absl::Status fits = CheckMemory(need.what, need.peak, in_reach);
  if (fits.ok() || need.hint.empty()) return fits;
  return absl::ResourceExhaustedError(StrCat(ToStd(fits.message()), "; hint: ", need.hint));
}

std::string AllocatorName() {
  const char* version = nullptr;
  size_t size = sizeof version;
  if (mallctl != nullptr && mallctl("version", &version, &size, nullptr, 0) == 0) {
    return StrCat("jemalloc ", version);
  }
  return StrCat("glibc ", gnu_get_libc_version());
}

void ReleaseFreeMemory() {
  // 4096 stands for all arenas (MALLCTL_ARENAS_ALL).
  if (mallctl != nullptr) mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

}  // namespace openp5

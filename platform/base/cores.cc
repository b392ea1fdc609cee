#include "platform/base/cores.h"

#include <sched.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <thread>

#include "platform/base/control_group.h"
#include "platform/base/file.h"

namespace openp5 {
namespace {

int64_t AllowedCores() {
  cpu_set_t allowed;
  // Fails where the system has more cores than the set has places.
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return std::thread::hardware_concurrency();
}

// The cores that `quota` microseconds in every `period` amount to, as files of a control group
// write the two. Nothing for "max" or -1, which are no limit.
std::optional<int64_t> CoresOfQuota(const std::string& text) {
  std::istringstream words(text);
  int64_t quota = 0, period = 0;
  if (!(words >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return (quota + period - 1) / period;
}

}  // namespace

int64_t AvailableCores(const std::string& root) {
  const auto read = [&](const std::string& path) { return ReadFile(path).value_or(""); };
  const std::string tree = JoinPath(root, "sys/fs/cgroup"), first = JoinPath(tree, "cpu");
  int64_t cores = AllowedCores();
  // In a container the group's own tree is the root of what can be seen.
  for (const std::string& text :
       {read(JoinPath(ControlGroupFolder(root), "cpu.max")), read(JoinPath(tree, "cpu.max")),
        read(JoinPath(first, "cpu.cfs_quota_us")) + read(JoinPath(first, "cpu.cfs_period_us"))}) {
    cores = std::min(cores, CoresOfQuota(text).value_or(cores));
  }
  return std::max<int64_t>(1, cores);
}

}  // namespace openp5

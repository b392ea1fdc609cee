#ifndef OPENP5_PLATFORM_BASE_CONTROL_GROUP_H_
#define OPENP5_PLATFORM_BASE_CONTROL_GROUP_H_

#include <string>

namespace openp5 {

// The folder of this process's control group in version 2's tree ("0::/PATH" in /proc/self/cgroup);
// the tree's own if the process names none. `root` stands for "/" (tests).
std::string ControlGroupFolder(const std::string& root = "/");

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_CONTROL_GROUP_H_

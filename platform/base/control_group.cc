#include "platform/base/control_group.h"

#include <sstream>

#include "platform/base/file.h"

namespace openp5 {

std::string ControlGroupFolder(const std::string& root) {
  const std::string tree = JoinPath(root, "sys/fs/cgroup");
  std::istringstream lines(ReadFile(JoinPath(root, "proc/self/cgroup")).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/") && line.size() > 4) return JoinPath(tree, line.substr(4));
  }
  return tree;
}

}  // namespace openp5

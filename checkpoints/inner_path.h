#ifndef OPENP5_CHECKPOINTS_INNER_PATH_H_
#define OPENP5_CHECKPOINTS_INNER_PATH_H_

#include <algorithm>
#include <filesystem>
#include <string>

namespace openp5::checkpoints {

// True if `name`, as a file of a folder names another, is a relative path that stays below it.
inline bool IsInnerPath(const std::string& name) {
  const std::filesystem::path path(name);
  if (name.empty() || path.is_absolute()) return false;
  return std::none_of(path.begin(), path.end(),
                      [](const std::filesystem::path& part) { return part == ".."; });
}

}  // namespace openp5::checkpoints

#endif  // OPENP5_CHECKPOINTS_INNER_PATH_H_

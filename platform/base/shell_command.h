#ifndef OPENP5_PLATFORM_BASE_SHELL_COMMAND_H_
#define OPENP5_PLATFORM_BASE_SHELL_COMMAND_H_

#include <string>
#include <vector>

namespace openp5 {

// The words as a shell reads them back, e.g. `openp5 train --history-separator ' '`.
std::string ShellCommand(const std::vector<std::string>& words);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_SHELL_COMMAND_H_

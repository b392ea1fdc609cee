#ifndef OPENP5_PLATFORM_BASE_LOG_H_
#define OPENP5_PLATFORM_BASE_LOG_H_

#include <string>
#include <string_view>

namespace openp5 {

// `text` with its control characters escaped (\n, \x1b): names and contents of files may hold line
// ends and what a terminal obeys.
std::string OneLine(std::string_view text);

// One line each (see OneLine), on standard error. Standard output belongs to results.
void LogInfo(std::string_view message);
void LogWarning(std::string_view message);
void LogError(std::string_view message);
// A text of several lines, such as a table, a line each.
void LogInfoLines(std::string_view text);

// Nothing below warnings is written any more, and no progress is shown.
void SetQuiet(bool quiet);
bool IsQuiet();

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_LOG_H_

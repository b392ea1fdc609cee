#ifndef OPENP5_PLATFORM_APP_BUILD_INFO_H_
#define OPENP5_PLATFORM_APP_BUILD_INFO_H_

namespace openp5::app {

// The commit the program was built from: twelve hexadecimal digits, "-dirty" behind them if files
// differed from it, or "unknown" outside a git checkout. Asked for at every build
// (cmake/GitCommit.cmake).
extern const char* const kGitCommit;

}  // namespace openp5::app

#endif  // OPENP5_PLATFORM_APP_BUILD_INFO_H_

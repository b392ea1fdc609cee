#ifndef OPENP5_PLATFORM_TENSOR_GUARD_H_
#define OPENP5_PLATFORM_TENSOR_GUARD_H_

#include <functional>

namespace openp5 {

// Runs the program and returns its exit code. An exception that nothing below has made a status of,
// most often that memory or threads have run out, becomes one line on standard error and exit code
// 1; so does one that would leave another thread or a destructor and end the process by a signal.
int Guarded(const std::function<int()>& run);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_GUARD_H_

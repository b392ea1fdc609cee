#ifndef OPENP5_PLATFORM_CONFIG_THREADS_H_
#define OPENP5_PLATFORM_CONFIG_THREADS_H_

#include <cstdint>

#include "platform/config/options.h"

namespace openp5 {

// The option --threads, for the structs that have it: how many threads a command computes with; 0:
// one for each of AvailableCores.
void VisitThreads(OptionVisitor& visitor, int64_t* threads);

// The number of threads that the value of --threads stands for, at least 1.
int64_t ThreadCount(int64_t threads);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_CONFIG_THREADS_H_

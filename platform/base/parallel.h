#ifndef OPENP5_PLATFORM_BASE_PARALLEL_H_
#define OPENP5_PLATFORM_BASE_PARALLEL_H_

#include <cstddef>
#include <functional>

namespace openp5 {

// The most threads that ParallelFor uses from now on, at least 1 (--threads). Until it is called:
// one for each of AvailableCores.
void SetParallelThreads(size_t threads);

// Calls `body(i)` once for every i in [0, count), on up to as many threads as SetParallelThreads
// allows, the calling one included; which thread takes which i is not determined. Returns when all
// are done. Where the system refuses more threads, fewer do the work. If `body` throws, no further
// call begins and one of the exceptions is thrown here. What `body` calls in parallel in turn runs
// on its own thread. Starting threads takes some 50 µs: meant for work well above that.
void ParallelFor(size_t count, const std::function<void(size_t)>& body);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_PARALLEL_H_

#include "platform/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace openp5 {

namespace {

// Asking the system takes longer than a small body.
size_t Cores() {
  static const size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return cores;
}

thread_local bool is_inside = false;

}  // namespace

void ParallelFor(size_t count, const std::function<void(size_t)>& body) {
  const size_t threads = is_inside ? 1 : std::min(count, Cores());
  if (threads <= 1) {
    for (size_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&]() noexcept {
    is_inside = true;
    try {
      for (size_t i = next++; i < count; i = next++) body(i);
    } catch (...) {
      next = count;  // nobody begins another
      const std::lock_guard lock(mutex);
      if (failure == nullptr) failure = std::current_exception();
    }
    is_inside = false;
  };
  {
    std::vector<std::jthread> helpers;
    helpers.reserve(threads - 1);
    try {
      for (size_t i = 1; i < threads; ++i) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // The system gives no more threads: those that there are do the work.
    }
    work();
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace openp5

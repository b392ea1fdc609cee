#include "platform/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "platform/base/cores.h"

namespace openp5 {

namespace {

std::atomic<size_t> most_threads = 0;  // 0: not set

size_t MostThreads() {
  // Asking the system takes longer than a small body.
  static const auto cores = static_cast<size_t>(AvailableCores());
  const size_t set = most_threads;
  return set > 0 ? set : cores;
}

thread_local bool is_inside = false;

}  // namespace

void SetParallelThreads(size_t threads) { most_threads = std::max<size_t>(1, threads); }

void ParallelFor(size_t count, const std::function<void(size_t)>& body) {
  const size_t threads = is_inside ? 1 : std::min(count, MostThreads());
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

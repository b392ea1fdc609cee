#include "platform/base/parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <vector>

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

TEST(ParallelForTest, CallsEveryNumberOnce) {
  for (const size_t count : {0, 1, 2, 1000}) {
    std::vector<std::atomic<int>> calls(count);
    ParallelFor(count, [&](size_t i) { ++calls[i]; });
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(calls[i], 1) << i << " of " << count;
  }
}

TEST(ParallelForTest, HasAsManyThreadsAsAreSet) {
  for (const size_t threads : {1, 3}) {
    SetParallelThreads(threads);
    std::mutex mutex;
    std::set<std::thread::id> seen;
    std::latch all(static_cast<std::ptrdiff_t>(threads));
    ParallelFor(threads, [&](size_t) {
      all.arrive_and_wait();  // so that no thread takes two numbers
      const std::lock_guard lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    EXPECT_EQ(seen.size(), threads);
  }
  SetParallelThreads(2);
  std::atomic<int> inside = 0, most = 0;
  ParallelFor(100, [&](size_t) {
    most = std::max(most.load(), ++inside);
    --inside;
  });
  EXPECT_LE(most, 2);
}

TEST(ParallelForTest, HandsAnExceptionToTheCaller) {
  for (const size_t count : {1, 1000}) {
    std::atomic<size_t> calls = 0;
    const auto body = [&](size_t i) {
      ++calls;
      if (i == 0) throw std::bad_alloc();
    };
    EXPECT_THROW(ParallelFor(count, body), std::bad_alloc);
    EXPECT_LE(calls, count);
  }
}

// With a stack larger than the address space that is left no thread can be started.
TEST(ParallelForTest, WorksWithoutHelpers) {
  pthread_attr_t before, huge;
  ASSERT_EQ(pthread_getattr_default_np(&before), 0);
  pthread_attr_init(&huge);
  pthread_attr_setstacksize(&huge, size_t{1} << 46);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  std::vector<std::atomic<int>> calls(100);
  ParallelFor(calls.size(), [&](size_t i) { ++calls[i]; });
  pthread_setattr_default_np(&before);
  pthread_attr_destroy(&huge);
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace openp5

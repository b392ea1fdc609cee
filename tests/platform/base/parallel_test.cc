#include "platform/base/parallel.h"

#include <atomic>
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

}  // namespace
}  // namespace openp5

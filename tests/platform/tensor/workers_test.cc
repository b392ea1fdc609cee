#include "platform/tensor/workers.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <stdexcept>

#include "tests/testing/testing.h"

namespace openp5 {
namespace {

TEST(RunWorkersTest, ShareLibTorchsThreads) {
  at::set_num_threads(5);
  for (const auto& [workers, share] : {std::pair(1, 5), std::pair(2, 2), std::pair(8, 1)}) {
    std::atomic<int> calls = 0;
    RunWorkers(workers, [&, share = share] {
      ++calls;
      EXPECT_EQ(at::get_num_threads(), share);
    });
    EXPECT_EQ(calls, workers);
    EXPECT_EQ(at::get_num_threads(), 5);
  }
}

TEST(RunWorkersTest, GiveThreadsBackAfterAnException) {
  at::set_num_threads(4);
  EXPECT_THROW(RunWorkers(4, [] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(at::get_num_threads(), 4);
}

TEST(SingleThreadTest, LastsUntilItsEnd) {
  at::set_num_threads(3);
  {
    const SingleThread alone;
    EXPECT_EQ(at::get_num_threads(), 1);
  }
  EXPECT_EQ(at::get_num_threads(), 3);
}

}  // namespace
}  // namespace openp5

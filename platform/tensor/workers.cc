#include "platform/tensor/workers.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "platform/base/parallel.h"

namespace openp5 {
namespace {

struct ThreadsRestored {
  const int threads = at::get_num_threads();
  ~ThreadsRestored() { at::set_num_threads(threads); }
};

}  // namespace

void RunWorkers(int workers, const std::function<void()>& work) {
  const ThreadsRestored before;
  ParallelFor(static_cast<size_t>(workers), [&](size_t) {
    at::set_num_threads(std::max(1, before.threads / workers));
    work();
  });
}

SingleThread::SingleThread() : threads_(at::get_num_threads()) { at::set_num_threads(1); }

SingleThread::~SingleThread() { at::set_num_threads(threads_); }

}  // namespace openp5

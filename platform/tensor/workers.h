#ifndef OPENP5_PLATFORM_TENSOR_WORKERS_H_
#define OPENP5_PLATFORM_TENSOR_WORKERS_H_

#include <functional>

namespace openp5 {

// Calls `work` on `workers` threads (at least 1) at the same time, the calling one included. They
// share LibTorch's threads: each computes its operations with as many as fall to it, so workers
// never wait for each other as the threads of one operation do. Afterwards the calling thread has
// its number again. Throws what `work` throws.
void RunWorkers(int workers, const std::function<void()>& work);

// From its making to its end the calling thread computes LibTorch's operations alone: the last bits
// of a product depend on the number of its threads.
class SingleThread {
 public:
  SingleThread();
  ~SingleThread();
  SingleThread(const SingleThread&) = delete;
  SingleThread& operator=(const SingleThread&) = delete;

 private:
  const int threads_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_TENSOR_WORKERS_H_

#ifndef OPENP5_TRAINERS_PREFETCHER_H_
#define OPENP5_TRAINERS_PREFETCHER_H_

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "platform/base/status.h"

namespace openp5::trainers {

// Makes values on a thread of its own, at most `ahead` of the reader, in order. `make` is called
// with 0 … count - 1 from that thread only and must not touch what the reader changes. Next may be
// called from one thread at a time.
template <class T>
class Prefetcher {
 public:
  Prefetcher(int64_t count, size_t ahead, std::function<absl::StatusOr<T>(int64_t)> make)
      : ahead_(ahead), make_(std::move(make)), left_(count) {
    ready_.reserve(ahead);  // so that handing a failure over needs no memory
    thread_ = std::thread([this, count] { Run(count); });
  }
  ~Prefetcher() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // The next value or the failure of making it (then also at every later call); nothing after the
  // last.
  absl::StatusOr<std::optional<T>> Next() {
    std::unique_lock lock(mutex_);
    if (left_ == 0) return std::optional<T>();
    changed_.wait(lock, [this] { return !ready_.empty(); });
    if (!ready_.front().ok()) return ready_.front().status();
    std::optional<T> value = std::move(ready_.front()).value();
    ready_.erase(ready_.begin());
    --left_;
    lock.unlock();
    changed_.notify_all();
    return value;
  }

 private:
  void Run(int64_t count) {
    for (int64_t number = 0; number < count; ++number) {
      absl::StatusOr<T> made = Make(number);
      const bool failed = !made.ok();
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopped_ || ready_.size() < ahead_; });
      if (stopped_) return;
      ready_.push_back(std::move(made));
      lock.unlock();
      changed_.notify_all();
      if (failed) return;
    }
  }

  // An exception must not leave the thread: it would end the process.
  absl::StatusOr<T> Make(int64_t number) {
    try {
      return make_(number);
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError(StrCat("training batch ", number, ": out of memory"));
    } catch (const std::exception& error) {
      return absl::InternalError(StrCat("training batch ", number, ": ", error.what()));
    }
  }

  const size_t ahead_;
  const std::function<absl::StatusOr<T>(int64_t)> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<absl::StatusOr<T>> ready_;  // at most `ahead`, the next one first
  int64_t left_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace openp5::trainers

#endif  // OPENP5_TRAINERS_PREFETCHER_H_

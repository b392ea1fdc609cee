#ifndef OPENP5_PLATFORM_RECOMMENDERS_SPARSE_SUMS_H_
#define OPENP5_PLATFORM_RECOMMENDERS_SPARSE_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace openp5::recommenders {

// Sums by item. Only the items that were added to are visited and reset, so that the cost follows
// them and not the catalogue. Not thread-safe. Memory: 8 bytes an item of the catalogue.
class SparseSums {
 public:
  explicit SparseSums(size_t items) : sums_(items, 0.0) {}

  // `value` must be above 0.
  void Add(int32_t item, double value) {
    double& sum = sums_[static_cast<size_t>(item)];
    if (sum == 0) touched_.push_back(item);
    sum += value;
  }
  double operator[](int32_t item) const { return sums_[static_cast<size_t>(item)]; }
  // The items that were added to since the last Clear, in the order of their first addition.
  const std::vector<int32_t>& touched() const { return touched_; }
  void Clear() {
    for (const int32_t item : touched_) sums_[static_cast<size_t>(item)] = 0;
    touched_.clear();
  }

 private:
  std::vector<double> sums_;
  std::vector<int32_t> touched_;
};

// Keeps the sums of callers in several threads for the next ones, so that memory follows the
// number of threads. Thread-safe.
class SparseSumsPool {
 public:
  explicit SparseSumsPool(size_t items) : items_(items) {}

  // Calls `use` (SparseSums*) with sums that are all 0; what they are then is cleared.
  template <class Use>
  auto With(const Use& use) const {
    std::unique_ptr<SparseSums> sums = Take();
    auto result = use(sums.get());
    sums->Clear();
    const absl::MutexLock lock(&mutex_);
    free_.push_back(std::move(sums));
    return result;
  }

 private:
  std::unique_ptr<SparseSums> Take() const {
    const absl::MutexLock lock(&mutex_);
    if (free_.empty()) return std::make_unique<SparseSums>(items_);
    std::unique_ptr<SparseSums> sums = std::move(free_.back());
    free_.pop_back();
    return sums;
  }

  const size_t items_;
  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<SparseSums>> free_;
};

}  // namespace openp5::recommenders

#endif  // OPENP5_PLATFORM_RECOMMENDERS_SPARSE_SUMS_H_

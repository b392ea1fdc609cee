#ifndef OPENP5_EVALUATORS_SPARSE_SUMS_H_
#define OPENP5_EVALUATORS_SPARSE_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace openp5::evaluators {

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

}  // namespace openp5::evaluators

#endif  // OPENP5_EVALUATORS_SPARSE_SUMS_H_

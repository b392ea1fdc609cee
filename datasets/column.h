#ifndef OPENP5_DATASETS_COLUMN_H_
#define OPENP5_DATASETS_COLUMN_H_

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

#include "platform/base/status.h"

namespace openp5::datasets {

namespace internal {
// Memory of `new_bytes` that begins with what was in `memory` (nullptr for none, of 0 bytes), as
// far as it fits; its pages are moved, not copied. 0 bytes: gives all back, returns nullptr.
// std::bad_alloc if there is no address space left.
void* ResizeMemory(void* memory, size_t old_bytes, size_t new_bytes);
}  // namespace internal

// Values in one piece of memory, of which only the part in use is resident: unlike a std::vector it
// never holds two pieces while it grows, and what it gives up goes back to the operating system at
// once. Meant for columns of millions of rows; the smallest takes a page. Movable, not copyable;
// a moved-from column is empty. Not thread-safe while it changes.
template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;
  using size_type = size_t;
  using difference_type = std::ptrdiff_t;

  Column() = default;
  Column(Column&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Column& operator=(Column&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    other.resize(0);
    return *this;
  }
  ~Column() { SetCapacity(0); }

  // Invalidates pointers into the column.
  void push_back(T value) { *extend(1) = value; }
  // Adds `count` values, which the caller sets, and returns the first of them.
  T* extend(size_t count) {
    if (size_ + count > capacity_) SetCapacity(std::max({kSmallest, 2 * capacity_, size_ + count}));
    size_ += count;
    return data_ + size_ - count;
  }
  // Only to a smaller size: drops the values at the end.
  void resize(size_t size) {
    OPENP5_CHECK(size <= size_);
    size_ = size;
    SetCapacity(size);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t row) { return data_[row]; }
  const T& operator[](size_t row) const { return data_[row]; }
  const T& back() const { return data_[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  static constexpr size_t kSmallest = 4096 / sizeof(T);

  void SetCapacity(size_t capacity) {
    data_ =
        static_cast<T*>(internal::ResizeMemory(data_, capacity_ * sizeof(T), capacity * sizeof(T)));
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace openp5::datasets

#endif  // OPENP5_DATASETS_COLUMN_H_

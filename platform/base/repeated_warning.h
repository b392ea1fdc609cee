#ifndef OPENP5_PLATFORM_BASE_REPEATED_WARNING_H_
#define OPENP5_PLATFORM_BASE_REPEATED_WARNING_H_

#include <cstdint>
#include <string_view>

#include "platform/base/log.h"

namespace openp5 {

// Warnings of one kind, which may come once for every row of a file: the first five are written,
// the others are counted, and whoever owns this says at the end how many there were. Not
// thread-safe.
class RepeatedWarning {
 public:
  void Add(std::string_view message) {
    if (++count_ <= kShown) LogWarning(message);
  }
  int64_t count() const { return count_; }
  // How many of those were not written.
  int64_t hidden() const { return count_ > kShown ? count_ - kShown : 0; }

 private:
  static constexpr int64_t kShown = 5;
  int64_t count_ = 0;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_REPEATED_WARNING_H_

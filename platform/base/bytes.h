#ifndef OPENP5_PLATFORM_BASE_BYTES_H_
#define OPENP5_PLATFORM_BASE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace openp5 {

// Reads bytes and little-endian numbers one after another and never beyond the end. The bytes must
// outlive it.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes, size_t position = 0)
      : bytes_(bytes), position_(position < bytes.size() ? position : bytes.size()) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  // The next `size` bytes; false, and nothing is consumed, if there are fewer.
  bool Take(uint64_t size, std::string_view* taken) {
    if (size > remaining()) return false;
    *taken = bytes_.substr(position_, static_cast<size_t>(size));
    position_ += static_cast<size_t>(size);
    return true;
  }

  bool Skip(uint64_t size) {
    std::string_view ignored;
    return Take(size, &ignored);
  }

  template <class T>
  bool Number(T* value) {
    static_assert(std::is_arithmetic_v<T>);
    std::string_view taken;
    if (!Take(sizeof(T), &taken)) return false;
    std::memcpy(value, taken.data(), sizeof(T));
    return true;
  }

  // Up to the next line feed, which is consumed but not part of `line`.
  bool Line(std::string_view* line) {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos) return false;
    *line = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    return true;
  }

 private:
  std::string_view bytes_;
  size_t position_;
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_BYTES_H_

#ifndef OPENP5_PLATFORM_BASE_BYTES_H_
#define OPENP5_PLATFORM_BASE_BYTES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace openp5 {

// Files hold numbers little-endian, as the machines do that openp5 runs on: numbers are copied.
static_assert(std::endian::native == std::endian::little);

// The bytes of numbers in memory, for as long as these are there.
template <class T>
std::string_view ViewBytes(std::span<const T> numbers) {
  static_assert(std::is_arithmetic_v<T>);
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

// The bytes of one number, which is as many as its type has.
template <class T>
std::string NumberBytes(T number) {
  return std::string(ViewBytes(std::span<const T>(&number, 1)));
}

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
    return Numbers(std::span<T>(value, 1));
  }

  // As many numbers as `values` has room for.
  template <class T>
  bool Numbers(std::span<T> values) {
    static_assert(std::is_arithmetic_v<T>);
    std::string_view taken;
    if (!Take(values.size_bytes(), &taken)) return false;
    if (!taken.empty()) std::memcpy(values.data(), taken.data(), taken.size());
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

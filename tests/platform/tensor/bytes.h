#ifndef OPENP5_TESTS_PLATFORM_TENSOR_BYTES_H_
#define OPENP5_TESTS_PLATFORM_TENSOR_BYTES_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "platform/base/file.h"
#include "platform/tensor/named_tensors.h"
#include "tests/testing/testing.h"

namespace openp5 {

// `value` in `count` bytes, lowest first.
inline std::string Little(uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += i < 8 ? static_cast<char>(value >> (8 * i)) : '\0';
  return bytes;
}

template <class T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Bit by bit, so that NaN equals NaN and -0 differs from 0.
inline bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  return x.numel() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

// A reader of a damaged file must fail in one line, or read what can still be read.
template <class Reader>
void ExpectCleanFailureOrSuccess(const Reader& read, const std::string& path) {
  const auto result = read(path);
  if (result.ok()) return;
  const absl::Status& status = openp5::testing::GetStatus(result);
  EXPECT_TRUE(status.code() == absl::StatusCode::kDataLoss ||
              status.code() == absl::StatusCode::kInvalidArgument)
      << status.ToString();
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(::testing::HasSubstr("\n")));
}

// Cuts `content` at every offset: each cut must fail.
template <class Reader>
void ExpectEveryTruncationFails(const Reader& read, const std::string& path,
                                const std::string& content) {
  for (size_t size = 0; size < content.size(); ++size) {
    std::filesystem::remove(path);
    OPENP5_ASSERT_OK(AppendToFile(path, content.substr(0, size)));
    ASSERT_FALSE(read(path).ok()) << "cut to " << size << " of " << content.size();
    ExpectCleanFailureOrSuccess(read, path);
  }
}

// Flips a byte at every `step`th offset, in two ways.
template <class Reader>
void ExpectFlipsAreHandled(const Reader& read, const std::string& path, const std::string& content,
                           size_t step) {
  for (size_t at = 0; at < content.size(); at += step) {
    for (const char mask : {'\x01', '\xff'}) {
      std::string damaged = content;
      damaged[at] = static_cast<char>(damaged[at] ^ mask);
      std::filesystem::remove(path);
      OPENP5_ASSERT_OK(AppendToFile(path, damaged));
      ExpectCleanFailureOrSuccess(read, path);
    }
  }
}

}  // namespace openp5

#endif  // OPENP5_TESTS_PLATFORM_TENSOR_BYTES_H_

#ifndef OPENP5_PLATFORM_BASE_CRC32C_H_
#define OPENP5_PLATFORM_BASE_CRC32C_H_

#include <cstdint>
#include <string_view>

namespace openp5 {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of `bytes`, a table look-up a byte: for small
// records, not for files of weights.
uint32_t Crc32c(std::string_view bytes);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_CRC32C_H_

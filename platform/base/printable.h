#ifndef OPENP5_PLATFORM_BASE_PRINTABLE_H_
#define OPENP5_PLATFORM_BASE_PRINTABLE_H_

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "platform/base/status.h"

namespace openp5 {

// Text from a file for a message of one line: control characters escaped, cut after 100 bytes.
inline std::string Printable(std::string_view text) {
  constexpr size_t kShown = 100;
  const std::string shown = absl::Utf8SafeCEscape(ToAbsl(text.substr(0, kShown)));
  return text.size() > kShown ? shown + "…" : shown;
}

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_PRINTABLE_H_

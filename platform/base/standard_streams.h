#ifndef OPENP5_PLATFORM_BASE_STANDARD_STREAMS_H_
#define OPENP5_PLATFORM_BASE_STANDARD_STREAMS_H_

#include <string_view>

#include "platform/base/status.h"

namespace openp5 {

// Opens those of the descriptors 0 to 2 that the caller of the program closed, so that no file gets
// their number and with it what is printed. What is written to a closed standard output fails; what
// goes to a closed standard error is dropped. To be called first in main.
void OpenStandardStreams();

// Results go through here: FailedPrecondition if standard output cannot be written, now or since
// the program began (no space, closed).
absl::Status WriteStandardOutput(std::string_view text);
// The same without flushing: a failure may show only in the next call that flushes.
absl::Status AppendStandardOutput(std::string_view text);
absl::Status FlushStandardOutput();

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_STANDARD_STREAMS_H_

#ifndef OPENP5_PLATFORM_BASE_ISOLATED_H_
#define OPENP5_PLATFORM_BASE_ISOLATED_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace openp5 {

struct IsolationOptions {
  std::chrono::milliseconds timeout = std::chrono::seconds(60);  // for all of the work
  // Bytes in memory at which the work is ended; nothing: half of what is available at the start.
  std::optional<int64_t> memory = {};
};

// Runs `work` in a copy of this process, for code of others that may crash, hang, exit, or take all
// memory: none of it harms this process. `work` reports by calling `say`; this process calls `hear`
// with the same texts, in their order, while the work goes on. Standard error stays, standard input
// is empty. To be called while this process has one thread.
//
// OK if `work` returned and the process is then as it was. DeadlineExceeded "had not ended after 60
// s" and ResourceExhausted "took more than 2 GiB of memory"; else FailedPrecondition with what it
// did instead, such as "was ended by signal 11 (Segmentation fault)", "called exit(0)", "wrote to
// standard output: 'x'", "closed standard error".
using Say = std::function<void(std::string_view text)>;
absl::Status RunIsolated(const IsolationOptions& options,
                         const std::function<void(const Say& say)>& work,
                         const std::function<void(std::string text)>& hear);

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_ISOLATED_H_

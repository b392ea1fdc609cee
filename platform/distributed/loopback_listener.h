#ifndef OPENP5_PLATFORM_DISTRIBUTED_LOOPBACK_LISTENER_H_
#define OPENP5_PLATFORM_DISTRIBUTED_LOOPBACK_LISTENER_H_

#include <cstdint>
#include <string>

#include "platform/base/status.h"

namespace openp5 {

// True if `host` stands for this machine alone: 127.0.0.1, ::1, localhost.
bool IsLoopback(const std::string& host);

// A socket that listens on a loopback address and on no other. Whoever takes it closes it.
struct LoopbackListener {
  int fd = -1;
  uint16_t port = 0;

  // Listens on `host`, which IsLoopback; `port` 0 takes a free one. FailedPrecondition naming host
  // and port if that is not possible.
  static absl::StatusOr<LoopbackListener> Open(const std::string& host, uint16_t port);
};

}  // namespace openp5

#endif  // OPENP5_PLATFORM_DISTRIBUTED_LOOPBACK_LISTENER_H_

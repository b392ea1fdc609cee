#include "platform/distributed/loopback_listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

namespace openp5 {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// The addresses that `host` stands for; nullptr if there is none.
Addresses Resolve(const std::string& host, uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) found = nullptr;
  return {found, freeaddrinfo};
}

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address);
    return ntohl(ipv4->sin_addr.s_addr) >> 24 == 127;
  }
  if (address->sa_family != AF_INET6) return false;
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

uint16_t PortOf(int fd) {
  sockaddr_storage bound = {};
  socklen_t size = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&bound)->sin_port
                                          : reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
}

}  // namespace

bool IsLoopback(const std::string& host) {
  const Addresses addresses = Resolve(host, 0);
  return addresses != nullptr && IsLoopback(addresses->ai_addr);
}

absl::StatusOr<LoopbackListener> LoopbackListener::Open(const std::string& host, uint16_t port) {
  const Addresses addresses = Resolve(host, port);
  OPENP5_CHECK(addresses != nullptr && IsLoopback(addresses->ai_addr));
  const int fd = socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // A run that has just ended still holds its port for a while.
  const int yes = 1;
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      bind(fd, addresses->ai_addr, addresses->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) {
    return LoopbackListener{.fd = fd, .port = PortOf(fd)};
  }
  const int error = errno;
  if (fd >= 0) close(fd);
  return FailedPrecondition("processes: cannot listen on ", host, ":", port, ": ", strerror(error));
}

}  // namespace openp5

#include "platform/base/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace openp5 {
namespace {
std::atomic<int> termination_signal{0};

void OnSignal(int signal) {
  if (termination_signal.exchange(signal) != 0) _exit(128 + signal);
}
}  // namespace

void CatchTermination() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int TerminationSignal() { return termination_signal.load(); }

void IgnoreBrokenPipes() { signal(SIGPIPE, SIG_IGN); }

}  // namespace openp5

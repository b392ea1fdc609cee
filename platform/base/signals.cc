#include "platform/base/signals.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iterator>

namespace openp5 {
namespace {

constexpr int kTerminationSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};

std::atomic<int> termination_signal{0};
std::atomic<time_t> termination_second{0};

// Those that somebody sends on purpose, and again when he has no patience. The kernel repeats
// SIGXCPU every second.
bool IsFromSomebody(int signal) { return signal == SIGINT || signal == SIGTERM; }

// Calls only what is safe in a signal handler.
void OnSignal(int signal) {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  int none = 0;
  if (termination_signal.compare_exchange_strong(none, signal)) {
    termination_second = now.tv_sec;
  } else if (IsFromSomebody(signal) && now.tv_sec > termination_second + 1) {
    _exit(128 + signal);
  }
}

bool IsIgnored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

bool IsTerminationSignal(int signal) {
  return std::find(std::begin(kTerminationSignals), std::end(kTerminationSignals), signal) !=
         std::end(kTerminationSignals);
}

void CatchTermination() {
  IgnoreBrokenPipes();
  signal(SIGXFSZ, SIG_IGN);
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : kTerminationSignals) {
    if (!IsFromSomebody(signal) && IsIgnored(signal)) continue;
    sigaction(signal, &action, nullptr);
  }
}

int TerminationSignal() { return termination_signal.load(); }

void IgnoreBrokenPipes() { signal(SIGPIPE, SIG_IGN); }

}  // namespace openp5

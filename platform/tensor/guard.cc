#include "platform/tensor/guard.h"

#include <c10/util/Exception.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "platform/base/log.h"
#include "platform/base/status.h"

// jemalloc's. A sanitizer has an allocator of its own, without it.
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old_value, size_t* old_size,
                                             void* new_value, size_t new_size);

namespace openp5 {
namespace {

constexpr char kOutOfMemory[] =
    "out of memory; hint: smaller batches (--batch-size, --eval-batch-size), fewer --threads or "
    "processes, or a larger limit (ulimit -v, the container's memory)";
constexpr char kNoThread[] =
    "the system refuses another thread; hint: fewer --threads or processes, or a larger limit "
    "(ulimit -u, the container's pids.max)";

constexpr char kNoMemoryOrThread[] =
    "error: out of memory or threads; hint: a larger limit (ulimit -v, ulimit -u, the container's "
    "memory and pids.max)\n";

// Takes no memory. There is nothing to do about a failure.
void Write(std::string_view line) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

// One line for the exception that is being handled.
std::string Describe() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return kOutOfMemory;
  } catch (const std::length_error&) {  // more than any memory holds
    return kOutOfMemory;
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return text.substr(0, text.find('\n'));
  } catch (const std::system_error& error) {
    return error.code() == std::errc::resource_unavailable_try_again ? kNoThread : error.what();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an unknown failure";
  }
}

void Report() noexcept {
  try {
    LogError(Describe());
  } catch (...) {
    Write(kNoMemoryOrThread);  // not even memory for the line
  }
}

[[noreturn]] void Terminate() {
  if (std::current_exception() != nullptr) {
    Report();
  } else if (std::uncaught_exceptions() > 0) {
    // Thrown while another was on its way: RocksDB cannot go back where it gets no thread.
    Write(kNoMemoryOrThread);
  } else {
    std::abort();  // a bug of ours, whose core somebody may want
  }
  _exit(1);
}

[[noreturn]] void ExitWithoutAddressSpace() {
  Write(
      "error: out of memory: the program itself needs some 500 MB of address space; hint: a larger "
      "limit (ulimit -v)\n");
  _exit(1);
}

void RequireAddressSpace(size_t bytes) {
  void* const probe =
      mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED) ExitWithoutAddressSpace();
  munmap(probe, bytes);
}

// jemalloc makes one of its arenas when a new thread is the first to need it, and crashes where
// there is no memory for it. Where address space is limited, all of them are made while there still
// is some: a thread that is given each of them in turn does so.
void PrepareArenas() {
  rlimit limit;
  if (mallctl == nullptr || getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return;
  }
  unsigned arenas = 0;
  size_t size = sizeof(arenas);
  if (mallctl("opt.narenas", &arenas, &size, nullptr, 0) != 0) return;
  while (arenas > 0) {
    --arenas;
    if (mallctl("thread.arena", nullptr, nullptr, &arenas, sizeof(arenas)) != 0) {
      ExitWithoutAddressSpace();
    }
  }
}

// A thread that waits for one of Abseil's locks needs a little memory of its own, and Abseil aborts
// where the system gives it none. It takes memory for some two hundred threads at once, with the
// first that waits: this one, while there still is some.
void PrepareLocks() {
  RequireAddressSpace(size_t{1} << 20);
  absl::Mutex mutex;
  absl::CondVar never;
  const absl::MutexLock lock(&mutex);
  never.WaitWithTimeout(&mutex, absl::ZeroDuration());
}

// Initialisers of LibTorch, libgomp and jemalloc crash or throw where there is no memory for them.
// This runs before all of them, and says so in their place.
[[maybe_unused]] void ProbeMemory(int, char**, char**) {
  std::set_terminate(Terminate);
  RequireAddressSpace(size_t{64} << 20);
}

#ifndef __SANITIZE_ADDRESS__
// Sanitizers have initialisers of their own, which come first.
__attribute__((section(".preinit_array"), used)) void (*const kProbeMemory)(int, char**,
                                                                            char**) = ProbeMemory;
#endif

}  // namespace

int Guarded(const std::function<int()>& run) {
  std::set_terminate(Terminate);
  PrepareArenas();
  PrepareLocks();
  try {
    return run();
  } catch (...) {
    Report();
    return 1;
  }
}

}  // namespace openp5

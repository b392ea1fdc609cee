#ifndef OPENP5_TESTS_TESTING_FAULT_SHIM_H_
#define OPENP5_TESTS_TESTING_FAULT_SHIM_H_

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace openp5::testing {

// What fault_shim.c does to a program that preloads it. It counts the calls that change files at or
// below `folder`, in every process for itself, by kind:
//   write     write, pwrite, writev, sendfile, copy_file_range, fwrite, fflush
//   sync      fsync, fdatasync, sync_file_range
//   rename    rename, renameat, renameat2, link, linkat (judged by the target)
//   close     close, fclose, of what can be written to
//   truncate  truncate, ftruncate
//   unlink    unlink, unlinkat, rmdir, remove
//   create    mkdir, and open or fopen that may make or empty a file
struct Fault {
  std::string folder = {};  // absolute, without links
  std::string kinds = {};   // "write,sync"; empty: all of them
  // "count"; "fail": the n-th call fails with `error`, a write after half of its bytes;
  // "kill-before", "kill-within" (a write: after half of its bytes), "kill-after": SIGKILL at the
  // n-th call.
  std::string action = "count";
  int64_t n = 0;  // from 1; 0: none
  int error = ENOSPC;
  bool sticky = false;   // every call after the n-th fails, too: a disk stays full
  std::string log = {};  // file to which every counted call is appended: "<number> <kind> <path>"
};

// The environment of such a program.
inline std::vector<std::string> FaultVariables(const Fault& fault) {
  std::vector<std::string> variables = {
      "LD_PRELOAD=" OPENP5_FAULT_SHIM,
      // A sanitizer's library insists on being the first one otherwise.
      "ASAN_OPTIONS=verify_asan_link_order=0", "OPENP5_FAULT_FOLDER=" + fault.folder,
      "OPENP5_FAULT_ACTION=" + fault.action, StrCat("OPENP5_FAULT_N=", fault.n),
      StrCat("OPENP5_FAULT_ERRNO=", fault.error),
      StrCat("OPENP5_FAULT_STICKY=", fault.sticky ? 1 : 0)};
  if (!fault.kinds.empty()) variables.push_back("OPENP5_FAULT_KINDS=" + fault.kinds);
  if (!fault.log.empty()) variables.push_back("OPENP5_FAULT_LOG=" + fault.log);
  return variables;
}

}  // namespace openp5::testing

#endif  // OPENP5_TESTS_TESTING_FAULT_SHIM_H_

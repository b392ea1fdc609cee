# cmake -DSOURCE=FOLDER -DOUT=FILE -P GitCommit.cmake: writes a C++ file that says which commit SOURCE is, with
# "-dirty" where files differ from it, and "unknown" where SOURCE is no git checkout. A file that says so
# already is left alone, so that nothing is built again.
set(commit "unknown")
find_program(GIT git)
if(GIT)
  # Not of a repository around an unpacked tarball: the way up to the checkout's root must be empty.
  execute_process(COMMAND "${GIT}" -C "${SOURCE}" rev-parse --show-cdup
    OUTPUT_VARIABLE up OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed AND up STREQUAL "")
    execute_process(COMMAND "${GIT}" --no-optional-locks -C "${SOURCE}"
        describe --always --abbrev=12 --dirty "--exclude=*"
      OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
    if(NOT failed AND described MATCHES "^[0-9a-f]+(-dirty)?$")
      set(commit "${described}")
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT "${OUT}" @ONLY CONTENT [[
#include "platform/app/build_info.h"

namespace openp5::app {

const char* const kGitCommit = "@commit@";

}  // namespace openp5::app
]])

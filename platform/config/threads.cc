#include "platform/config/threads.h"

#include "platform/base/cores.h"

namespace openp5 {

void VisitThreads(OptionVisitor& visitor, int64_t* threads) {
  visitor.Visit({.name = "threads",
                 .help = "CPU threads; 0: one for each core this process may use",
                 .minimum = 0,
                 .maximum = 4096,
                 .affects = Affects::kSpeed},
                threads);
}

int64_t ThreadCount(int64_t threads) { return threads > 0 ? threads : AvailableCores(); }

}  // namespace openp5

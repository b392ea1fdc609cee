#ifndef OPENP5_PLATFORM_BASE_SIGNALS_H_
#define OPENP5_PLATFORM_BASE_SIGNALS_H_

namespace openp5 {

// From now on the first SIGINT or SIGTERM is only remembered, so that long work can save and stop;
// a second one ends the process at once.
void CatchTermination();

// The signal that asked to stop, or 0.
int TerminationSignal();

// From now on a write to a pipe or connection that its reader has closed fails with EPIPE and does
// not end the process (SIGPIPE).
void IgnoreBrokenPipes();

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_SIGNALS_H_

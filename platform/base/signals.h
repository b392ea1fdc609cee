#ifndef OPENP5_PLATFORM_BASE_SIGNALS_H_
#define OPENP5_PLATFORM_BASE_SIGNALS_H_

namespace openp5 {

// True for the signals that ask a long work to save and stop: SIGINT, SIGTERM, SIGHUP (the terminal
// is gone), and SIGUSR1, SIGUSR2 and SIGXCPU, by which job schedulers say that time is running out.
bool IsTerminationSignal(int signal);

// From now on the first of these signals is only remembered, so that long work can save and stop.
// A second SIGINT or SIGTERM, at least a second after the first, ends the process at once (a
// terminal's signal often comes twice, from the terminal and from the parent process). SIGHUP and
// the schedulers' signals stay ignored where they were (nohup). Writing to a closed pipe fails with
// EPIPE, and writing beyond the limit of a file's size with EFBIG, instead of ending the process.
void CatchTermination();

// The signal that asked to stop, or 0.
int TerminationSignal();

// From now on a write to a pipe or connection that its reader has closed fails with EPIPE and does
// not end the process (SIGPIPE).
void IgnoreBrokenPipes();

}  // namespace openp5

#endif  // OPENP5_PLATFORM_BASE_SIGNALS_H_

#!/usr/bin/env python3
"""Whether a long run stays as fast and as small as it began.

steady.py COMMAND...: runs a command of openp5 with a progress bar (train, evaluate) on a terminal of its own, and
prints the rate of each tenth of its longest bar and the memory the process holds at its end. Take prompts of about
equal length for an evaluation: users with the longest come first.
"""
import os
import pty
import re
import subprocess
import sys
import time

BAR = re.compile(rb"\r([^\r\[]*) \[[#.]*\] +\d+% (\d+)/(\d+) (\w+),")


def resident_mb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def watch(command):
    """(title, unit) of each bar: [(seconds, done, total, MB)]."""
    terminal, inside = pty.openpty()
    child = subprocess.Popen(command, stderr=inside)
    os.close(inside)
    bars, text = {}, b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        now, text = time.monotonic(), (text + read)[-4096:]
        found = BAR.findall(text)
        if found:
            title, done, total, unit = found[-1]
            bars.setdefault((title.decode().strip(), unit.decode()), []).append(
                (now, int(done), int(total), resident_mb(child.pid)))
            text = b""
    if child.wait() != 0:
        sys.exit(f"steady: {' '.join(command)}: exit {child.returncode}\n{text.decode(errors='replace')}")
    return bars


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    bars = watch(sys.argv[1:])
    if not bars:
        sys.exit("steady: the command showed no progress bar")
    (title, unit), seen = max(bars.items(), key=lambda bar: bar[1][-1][0] - bar[1][0][0])
    total = seen[-1][2]
    print(f"{title}: {seen[-1][1]} of {total} {unit}")
    begin = seen[0]
    for tenth in range(1, 11):
        end = next((s for s in seen if s[1] >= total * tenth / 10), seen[-1])
        if end[0] > begin[0]:
            print(f"  to {end[1] / total:4.0%}: {(end[1] - begin[1]) / (end[0] - begin[0]):9.1f} {unit}/s {end[3]:7.0f} MB")
        begin = end


if __name__ == "__main__":
    main()

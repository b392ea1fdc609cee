"""Evaluates checkpoints that other programs wrote and compares every score with transformers'.

usage: checkpoints_check.py OPENP5 SHARED [NAME...]

Runs tools/check_checkpoints.py of the folder SHARED on the cases NAME, or on all; without that folder
exits with 77, which CTest shows as skipped.
"""

import os
import sys

SKIPPED = 77

openp5, shared, *names = sys.argv[1:]
script = os.path.join(shared, "tools", "check_checkpoints.py")
cases = os.path.join(shared, "cases", "checkpoints")
if not os.path.exists(script) or not os.path.exists(cases):
    print("skipped: needs the shared folder, absent here: " + shared)
    sys.exit(SKIPPED)
os.execv(sys.executable, [sys.executable, script, openp5, cases, *names])

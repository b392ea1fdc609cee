"""Runs the tests of broken_suites_test.cc broken, by ctest: each must get the result that its name says."""
import os
import re
import subprocess
import sys

ctest, folder = sys.argv[1:]
run = subprocess.run([ctest, "--test-dir", folder, "-R", "^BrokenSuites"], capture_output=True, text=True,
                     env=os.environ | {"OPENP5_TEST_BROKEN_SUITES": "1"})
results = re.findall(r"\d+/\d+ Test +#\d+: (\w+\.(\w+)) \.*\**(?:.*\*\*\*)? *(Passed|Failed|Skipped|Exception)", run.stdout)
wrong = [name for name, expected, got in results if expected != got.replace("Exception", "Failed")]
if wrong or len(results) != 7 or run.returncode == 0:
    sys.exit(f"expected the result that each of 7 tests names, got another for {wrong} of {len(results)}:\n{run.stdout}{run.stderr}")

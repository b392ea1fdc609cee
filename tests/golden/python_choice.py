"""Which Pythons a check runs with: this one, or those that an environment variable names."""

import importlib.util
import os
import subprocess
import sys

SKIPPED = 77  # CTest shows this exit code as skipped


def is_there(name):
    """True if module `name`, which may be one in a package, can be imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def run_with_each(variable, needed):
    """Returns in a Python that has the modules `needed`; in all other cases does not return.

    `variable` may name several Pythons, joined as in PATH: the script then runs once with each and
    ends with the first exit code that is neither 0 nor SKIPPED. A Python that lacks a module says so
    and ends with SKIPPED; that is the end of the whole only if every one does.
    """
    pythons = [name for name in os.environ.pop(variable, "").split(os.pathsep) if name]
    if pythons:
        codes = []
        for python in pythons:
            print(f"with {python}:", flush=True)
            codes.append(subprocess.run([python] + sys.argv).returncode)
        failed = [code for code in codes if code not in (0, SKIPPED)]
        sys.exit(failed[0] if failed else min(codes))
    missing = [name for name in needed if not is_there(name)]
    if missing:
        lacks = ", ".join(missing)
        print(f"skipped: {sys.executable} has no {lacks}; {variable} may name one that has")
        sys.exit(SKIPPED)

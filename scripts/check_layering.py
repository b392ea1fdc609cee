#!/usr/bin/env python3
"""Checks that every #include between units is one the layering table allows.

check_layering.py [ROOT]: prints one line a violation and exits 1 if there is any.
A new unit or a new edge is an entry here, and nowhere else.
"""
import re
import sys
from pathlib import Path

# unit -> units whose headers it may include (its own are always allowed).
ALLOWED = {
    "platform/base": [],
    "platform/config": ["platform/base"],
    "platform/registry": ["platform/base"],
    "platform/storage": ["platform/base"],
    "platform/text": ["platform/base"],
    "platform/tensor": ["platform/base", "platform/config"],
    "platform/distributed": ["platform/tensor", "platform/config", "platform/base"],
    "platform/models": ["platform/tensor", "platform/config", "platform/registry", "platform/base"],
    "platform/decoding": ["platform/models", "platform/tensor", "platform/config", "platform/base"],
    "datasets": ["platform/config", "platform/registry", "platform/storage", "platform/base"],
    "indexing": ["datasets", "platform/config", "platform/registry", "platform/storage", "platform/text",
                 "platform/base", "platform/decoding/prefix_constraint.h"],
    "checkpoints": ["platform/tensor", "platform/config", "platform/storage", "platform/base"],
    "evaluators": ["datasets", "indexing", "platform/models", "platform/decoding", "platform/text",
                   "platform/tensor", "platform/config", "platform/registry", "platform/base"],
    "trainers": ["evaluators", "checkpoints", "datasets", "indexing", "platform/models", "platform/decoding",
                 "platform/distributed", "platform/text", "platform/tensor", "platform/config", "platform/registry",
                 "platform/base"],
    "platform/app": None,  # everything
    "tests": None,
}
# Units that must not see torch at all, in any file; and those that may only in a .cc.
NO_TORCH = ["platform/base", "platform/config", "platform/registry", "platform/storage", "platform/text", "datasets"]
TORCH_ONLY_IN_CC = ["indexing"]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
TORCH = re.compile(r"^(torch|ATen|c10)/")


def unit_of(path):
    """The longest unit that holds `path`, or None."""
    holders = [u for u in ALLOWED if path == u or path.startswith(u + "/")]
    return max(holders, key=len) if holders else None


def violations(root):
    for file in sorted(root.rglob("*")):
        relative = file.relative_to(root).as_posix()
        if file.suffix not in (".h", ".cc", ".c") or relative.split("/")[0] in ("build", ".deps"):
            continue
        unit = unit_of(relative)
        if unit is None:
            yield f"{relative}: in no unit of the layering table; expected one of {', '.join(ALLOWED)}"
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, name = match.groups()
            where = f"{relative}:{number}: {name}"
            if TORCH.match(name):
                if unit in NO_TORCH or (unit in TORCH_ONLY_IN_CC and file.suffix == ".h"):
                    yield f"{where}: {unit} may not include torch here"
                continue
            allowed = ALLOWED[unit]
            target = unit_of(name) if kind == '"' else None
            if allowed is None or target is None or target == unit or target in allowed or name in allowed:
                continue
            yield f"{where}: {unit} may include only {', '.join(allowed) or 'nothing of ours'}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    found = list(violations(root))
    print("\n".join(found) if found else "layering: every include is allowed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

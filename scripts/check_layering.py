#!/usr/bin/env python3
"""Checks that every #include between units is one that cmake/layering.json allows, and that each
of its entries is used. The READMEs' lists follow that table, too: --write brings them up to date.

check_layering.py [--write] [ROOT]: prints one line a violation and exits 1 if there is any.
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# unit -> units whose headers it may include (its own are always allowed).
ALLOWED = json.loads((ROOT / "cmake/layering.json").read_text(encoding="utf-8"))
ALLOWED["platform/app"] = ALLOWED["tests"] = None  # everything
# Units that must not see torch at all, in any file; and those that may only in a .cc.
NO_TORCH = ["platform/base", "platform/config", "platform/registry", "platform/storage", "platform/text", "datasets"]
TORCH_ONLY_IN_CC = ["indexing"]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
TORCH = re.compile(r"^(torch|ATen|c10)/")


def unit_of(path):
    """The longest unit that holds `path`, or None."""
    holders = [u for u in ALLOWED if path == u or path.startswith(u + "/")]
    return max(holders, key=len) if holders else None


def includes(root):
    """Each #include of the tree as (file, line number, unit, kind of brackets, name)."""
    for file in sorted(root.rglob("*")):
        relative = file.relative_to(root).as_posix()
        if file.suffix not in (".h", ".cc", ".c") or relative.split("/")[0] in ("build", ".deps"):
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if match := INCLUDE.match(line):
                yield file, f"{relative}:{number}", unit_of(relative), *match.groups()


def violations(root):
    used = set()
    for file, where, unit, kind, name in includes(root):
        if unit is None:
            yield f"{where}: in no unit of the layering table; expected one of {', '.join(ALLOWED)}"
            continue
        if TORCH.match(name):
            if unit in NO_TORCH or (unit in TORCH_ONLY_IN_CC and file.suffix == ".h"):
                yield f"{where}: {name}: {unit} may not include torch here"
            continue
        allowed = ALLOWED[unit]
        target = unit_of(name) if kind == '"' else None
        if allowed is None or target is None or target == unit:
            continue
        if target in allowed or name in allowed:
            used.add((unit, name if name in allowed else target))
        else:
            yield f"{where}: {name}: {unit} may include only {', '.join(allowed) or 'nothing of ours'}"
    for unit, allowed in ALLOWED.items():
        for other in allowed or []:
            if (unit, other) not in used:
                yield f"cmake/layering.json: {unit}: nothing of {other} is included; expected no such entry"


def sentence(unit):
    """What a README says of its unit."""
    return f"May include {', '.join(f'`{other}`' for other in ALLOWED[unit]) or 'nothing of ours'}."


def stale_readmes(root, write):
    """The READMEs whose list is not the table's; `write` mends them."""
    platform = [unit for unit in ALLOWED if unit.startswith("platform/")]
    for unit in [unit for unit in ALLOWED if ALLOWED[unit] is not None]:
        readme = root / ("platform/README.md" if unit in platform else f"{unit}/README.md")
        text = readme.read_text(encoding="utf-8")
        if unit in platform:
            name = unit.split("/")[1]
            cell = ", ".join(f"`{other}`" for other in ALLOWED[unit]) or "–"
            new = re.sub(rf"(?m)^(\| `{name}` \|.*\|)[^|]*\|$", lambda m: f"{m.group(1)} {cell} |", text)
        else:
            new = re.sub(r"(?m)^May include (`[^`]*`|[^`.])*\.", lambda m: sentence(unit), text, count=1)
        if new == text and (sentence(unit) in text or unit in platform and f"| {cell} |" in text):
            continue
        if write:
            readme.write_text(new, encoding="utf-8")
        else:
            yield f"{readme.relative_to(root)}: {unit}: not what cmake/layering.json says; run scripts/check_layering.py --write"


def main():
    write = "--write" in sys.argv
    roots = [argument for argument in sys.argv[1:] if argument != "--write"]
    root = Path(roots[0]) if roots else ROOT
    found = [*violations(root), *stale_readmes(root, write)]
    print("\n".join(found) if found else "layering: every include is allowed, and every entry is used")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Compares the numbers of `openp5 compare` with scipy's, on random values of users.

usage: significance_check.py OPENP5

Needs numpy and scipy in this Python, or in those that the environment's OPENP5_TEST_SCIPY_PYTHON
names; without them exits with 77, which CTest shows as skipped.
"""

import json
import os
import subprocess
import sys
import tempfile

import python_choice

python_choice.run_with_each("OPENP5_TEST_SCIPY_PYTHON", ("numpy", "scipy"))

import numpy  # noqa: E402
from scipy import stats  # noqa: E402

OPENP5 = sys.argv[1]
TOLERANCE = 1e-9
RESAMPLES = 2000
SEED = 5
STEP = 0x9E3779B97F4A7C15


def generator(seed, count):
    """The first `count` numbers of SplitMix64."""
    with numpy.errstate(over="ignore"):
        state = numpy.uint64(seed) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(STEP)
        state = (state ^ (state >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return state ^ (state >> numpy.uint64(31))


def bootstrap_interval(differences):
    users = len(differences)
    draws = generator(SEED, RESAMPLES * users).reshape(RESAMPLES, users)
    places = (draws >> numpy.uint64(32)) * numpy.uint64(users) >> numpy.uint64(32)
    return numpy.percentile(differences[places.astype(numpy.int64)].mean(axis=1), [2.5, 97.5])


def randomization_p(differences):
    kept = differences[differences != 0]
    words = -(-len(kept) // 64)
    draws = generator(SEED, RESAMPLES * words).reshape(RESAMPLES, words)
    bits = (draws[:, :, None] >> numpy.arange(64, dtype=numpy.uint64)) & numpy.uint64(1)
    signs = bits.reshape(RESAMPLES, -1)[:, : len(kept)].astype(float) * 2 - 1
    rounding = 1e-12 * numpy.abs(kept).sum()
    as_far = numpy.sum(numpy.abs(signs @ kept) >= abs(kept.sum()) - rounding)
    return (1 + as_far) / (1 + RESAMPLES)


def wilcoxon_p(differences):
    try:
        return stats.wilcoxon(differences, method="asymptotic").pvalue
    except (TypeError, ValueError):  # scipy before 1.13
        return stats.wilcoxon(differences, mode="approx").pvalue


def holm(p):
    order = numpy.argsort(p, kind="stable")
    corrected, largest = [0.0] * len(p), 0.0
    for place, test in enumerate(order):
        largest = max(largest, (len(p) - place) * p[test])
        corrected[test] = min(1.0, largest)
    return corrected


def write_result(path, label, values):
    """`values` [users] of one metric."""
    protocol = {
        "dataset": "Made-up", "dataset_digest": "", "split": "test", "filter": "none", "task": "sequential",
        "prompt": "", "users": len(values), "cold_targets": 0, "candidates": 10, "history": 0,
        "ties": "list order", "fitted_on": "train", "users_digest": "", "candidates_digest": "", "digest": "",
    }
    header = {
        "format": "openp5-result", "version": 1, "protocol": protocol, "method": "lists", "label": label,
        "metrics": {"ndcg@10": float(numpy.mean(values))}, "columns": ["ndcg@10"],
    }
    with open(path, "w") as file:
        file.write(json.dumps(header) + "\n")
        for user, value in enumerate(values):
            line = {"user": f"u{user}", "target": f"i{user}", "values": [float(value)]}
            file.write(json.dumps(line) + "\n")


def random_values(draw, users, kind):
    """Values as metrics have them: many 0, many equal; or all different."""
    if kind == "ranks":
        return 1 / numpy.log2(2 + draw.integers(0, 10, users)) * (draw.random(users) < 0.3)
    if kind == "hits":
        return (draw.random(users) < 0.2).astype(float)
    return draw.random(users)


def check(got, expected, what):
    assert abs(got - expected) <= TOLERANCE, f"{what}: expected {expected!r}, got {got!r}"


def check_case(folder, case, users, kind):
    draw = numpy.random.default_rng(case)
    values = {name: random_values(draw, users, kind) for name in ("a", "b", "c")}
    values["c"] = numpy.where(draw.random(users) < 0.1, draw.random(users), values["a"])
    files = []
    for name, of_users in values.items():
        files.append(os.path.join(folder, f"{case}-{name}.jsonl"))
        write_result(files[-1], name, of_users)
    command = [OPENP5, "compare", *files, "--format", "json", "--resamples", str(RESAMPLES), "--seed", str(SEED)]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    expected = {"randomization": [], "t": [], "wilcoxon": []}
    compared = [method["metrics"]["ndcg@10"]["difference"] for method in result["methods"][1:]]
    for name, got in zip("bc", compared):
        differences = values[name] - values["a"]
        what = f"case {case} ({users} users, {kind}), {name}"
        check(got["mean"], differences.mean(), f"{what}, mean")
        for end, bound in zip(got["interval"], bootstrap_interval(differences)):
            check(end, bound, f"{what}, interval")
        expected["randomization"].append(randomization_p(differences))
        expected["t"].append(stats.ttest_rel(values[name], values["a"]).pvalue)
        expected["wilcoxon"].append(wilcoxon_p(differences))
        assert got["wins"] == (differences > 0).sum() and got["losses"] == (differences < 0).sum(), what
    for test, p in expected.items():
        for got, one, corrected in zip(compared, p, holm(p)):
            check(got["p"][test], one, f"case {case}, p of {test}")
            check(got["holm"][test], corrected, f"case {case}, corrected p of {test}")


with tempfile.TemporaryDirectory() as folder:
    cases = [(users, kind) for users in (30, 64, 200, 1500) for kind in ("ranks", "hits", "reals")]
    for case, (users, kind) in enumerate(cases):
        check_case(folder, case, users, kind)
print(f"{len(cases)} cases equal scipy's to {TOLERANCE}")

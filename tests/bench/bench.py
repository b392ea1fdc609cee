#!/usr/bin/env python3
"""Training samples/s and evaluation users/s of a t5-small-shaped model, ours and Hugging Face's.

bench.py --openp5 BIN --data DIR [--dataset ML100K] [--peer SCRIPT --peer-python PY --tokenizer T5DIR] [options]

DIR holds OpenP5's files of the dataset (user_sequence.txt; for the peer also its index files). Without a
peer only our side is measured. With one (a script with the commands samples, backbone, train and evaluate,
printing one JSON object each) both sides run in turn on the same weights, prompts, users and threads, and
the top-k lists are compared. Prints one table; --out writes the figures as JSON.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

PROMPT = ("sequential; seen; {dataset} user_{user_id} took these {dataset} items in this order : {history} . "
          "What will the user take next ?; {dataset} {target}\n")


def run(command, environment=None):
    """Runs a command; its standard output. Stops the benchmark with its error otherwise."""
    return measured(command, environment)[0]


def measured(command, environment=None):
    """The same, and the command's peak memory in MB."""
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, **(environment or {})})
    out, err = child.communicate()
    if child.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}: exit {child.returncode}\n{err[-2000:]}")
    # ru_maxrss of all children so far only grows: a command's own peak is asked of time(1)'s line in err.
    peak = [line for line in err.splitlines() if line.startswith("peak_kb ")]
    return out, int(peak[-1].split()[1]) / 1024 if peak else None


# Runs its arguments as a child and says on standard error what memory it took.
WATCH = [sys.executable, "-c", "import os, resource, subprocess, sys\n"
         "code = subprocess.call(sys.argv[1:])\n"
         "print('peak_kb', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
         "sys.exit(code)"]


def needed_gflop(what, prompt_tokens, beams):
    """Multiplications and additions that a t5-small cannot do without, of one sample or user.

    Training: every matrix product three times. Evaluation: the encoder and the cross-attention's keys and
    values once a user; then the forced prefix for one beam and four steps for all."""
    d, ff, layers, vocabulary, label_tokens = 512, 2048, 6, 32128, 11
    encoder = prompt_tokens * layers * (4 * d * d + 2 * d * ff + 2 * prompt_tokens * d)
    cross = prompt_tokens * layers * 2 * d * d
    rows = label_tokens if what == "train" else 7 + 4 * beams
    decoder = rows * (layers * (6 * d * d + 2 * d * ff + 2 * prompt_tokens * d) + vocabulary * d)
    return 2e-9 * (encoder + cross + decoder) * (3 if what == "train" else 1)


class Bench:
    def __init__(self, a):
        self.a = a
        self.work = Path(a.work)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        (self.work / "prompts.txt").write_text(PROMPT)
        self.common = ["--data-dir", a.data, "--datasets", a.dataset, "--index-db", self.work / "index.rocksdb",
                       "--indexing", "sequential", "--prompt-file", self.work / "prompts.txt", "--threads", a.threads]
        run([a.openp5, "index", "build", *self.common[:8]])
        self.backbone = self.work / "backbone"
        if a.peer:
            data = self.work / "peer_data"
            data.mkdir()
            for source, name in (("user_sequence.txt",) * 2, ("user_indexing.txt",) * 2,
                                 ("item_sequential_indexing_original.txt",) * 2):
                shutil.copy(Path(a.data) / a.dataset / source, data / name)
            run(self.peer("samples", "--data", data, "--dataset", a.dataset, "--out", self.work / "samples.jsonl"))
            run(self.peer("backbone", "--tokenizer", a.tokenizer, "--out", self.backbone))

    def peer(self, *arguments):
        return [self.a.peer_python, self.a.peer, *arguments]

    def train(self):
        run_dir = self.work / "train"
        shutil.rmtree(run_dir, ignore_errors=True)
        backbone = self.backbone if self.a.peer else "preset:t5-small"
        _, memory = measured([*WATCH, self.a.openp5, "train", *self.common, "--precision", self.a.precision,
                              "--backbone", backbone, "--tokenizer", self.a.tokenizer, "--run-dir", run_dir, "--batch-size",
                              self.a.batch, "--max-steps", self.a.steps + 1, "--logging-step", 1, "--valid-select", "none"])
        rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
        # Each line has the mean rate since the start: the first step is warm-up and is taken off.
        seconds = [r["step"] * self.a.batch / r["samples_per_second"] for r in rows if r.get("event") == "step"]
        return (len(seconds) - 1) * self.a.batch / (seconds[-1] - seconds[0]), memory

    def evaluate(self, what, topk, beams):
        checkpoint = self.backbone if self.a.peer else self.work / "train/checkpoints/last"
        extra = ["--tokenizer", self.a.tokenizer] if self.a.peer else []
        common = self.common if self.a.peer else self.common[:6] + self.common[8:]
        precision = "int8" if what == "int8" else self.a.precision
        more = ["--filtered"] if what == "filtered" else []
        out, memory = measured([*WATCH, self.a.openp5, "evaluate", "--checkpoint", checkpoint, *extra, *common, "--precision",
                                precision, "--split", "test", "--beams", beams, "--metrics", "hit@10", "--users", self.a.users,
                                "--eval-batch-size", self.a.eval_batch, "--topk-out", topk, "--format", "json", *more])
        return json.loads(out)["users_per_second"], memory

    def peer_train(self):
        told = json.loads(run(self.peer("train", "--backbone", self.backbone, "--samples", self.work / "samples.jsonl",
                                        "--threads", self.a.threads, "--batch", self.a.batch, "--steps", self.a.steps,
                                        *(["--bf16"] if self.a.precision == "bfloat16" else []))))
        return told["samples_per_s"], told["peak_rss_mb"]

    def peer_evaluate(self, topk, beams):
        told = json.loads(run(self.peer("evaluate", "--backbone", self.backbone, "--samples",
                                        self.work / "samples.jsonl", "--threads", self.a.threads, "--users", self.a.users,
                                        "--beams", beams, "--batch", self.a.eval_batch, "--topk-out", topk)))
        return told["users_per_s"], told["peak_rss_mb"]

    def limit(self):
        """GFLOP/s of the machine's matrix products, now, by the faster of the libraries at hand."""
        out = run([self.a.parts, "--benchmark_filter=Product/8192", "--benchmark_format=json"],
                  {"OMP_NUM_THREADS": str(self.a.threads)})
        return max(benchmark["GFLOP/s"] for benchmark in json.loads(out)["benchmarks"])

    def common_items(self, one, other):
        """Share of items that the first ten of two lists of a user have in common, in the mean."""
        lists = [[set(json.loads(line)["items"][:10]) for line in open(path)] for path in (one, other)]
        return statistics.mean(len(a & b) / len(a) for a, b in zip(*lists, strict=True))

    def compare_lists(self, ours, theirs):
        """Users with the same list, and the largest score difference."""
        identifiers = dict(line.split() for line in open(Path(self.a.data) / self.a.dataset / "item_sequential_indexing_original.txt"))
        same, worst = 0, 0.0
        mine = [json.loads(line) for line in open(ours)]
        peer = [json.loads(line) for line in open(theirs)]
        for m, p in zip(mine, peer, strict=True):
            same += [f"{self.a.dataset} item_{identifiers[i]}" for i in m["items"]] == p["items"]
            worst = max([worst] + [abs(x - y) for x, y in zip(m["scores"], p["scores"])])
        return same, len(mine), worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openp5", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--dataset", default="ML100K")
    parser.add_argument("--tokenizer", required=True, help="folder with spiece.model (and what the peer needs)")
    parser.add_argument("--peer")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--work", default="build/bench")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"),
                        help="of both sides, except the peer's evaluation, which is float32")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--users", type=int, default=40)
    parser.add_argument("--beams", type=int, nargs="+", default=[10, 20, 50])
    parser.add_argument("--parts", help="openp5_parts_bench, for the share of the machine's rate")
    parser.add_argument("--eval-batch", type=int, default=20)
    parser.add_argument("--prompt-tokens", type=int, default=134, help="of a prompt in the mean, for the share")
    parser.add_argument("--rounds", type=int, default=2, help="times both sides are run in turn")
    parser.add_argument("--out")
    a = parser.parse_args()
    bench = Bench(a)
    kinds = ["evaluate", "filtered"] + (["int8"] if a.precision == "float32" else [])
    rows = [("train", None)] + [(what, beams) for beams in a.beams for what in kinds]
    figures = {row: {"ours": [], "peer": []} for row in rows}
    lists, limits = [], []
    for _ in range(a.rounds):
        if a.parts:
            limits.append(bench.limit())
        for row in rows:
            what, beams = row
            ours, theirs = (bench.work / f"{side}-{what}-{beams}.jsonl" for side in ("ours", "peer"))
            if what == "train":
                figures[row]["ours"].append(bench.train())
                if a.peer:
                    figures[row]["peer"].append(bench.peer_train())
                continue
            figures[row]["ours"].append(bench.evaluate(what, ours, beams))
            if a.peer and what == "evaluate":
                figures[row]["peer"].append(bench.peer_evaluate(theirs, beams))
                lists.append((beams, *bench.compare_lists(ours, theirs)))
    int8_rows = [row for row in rows if row[0] == "int8"]
    for _, beams in int8_rows:
        figures[("int8", beams)]["peer"] = figures[("evaluate", beams)]["peer"]
    print_table(a, figures, statistics.median(limits) if limits else None)
    for _, beams in int8_rows:
        share = bench.common_items(*(bench.work / f"ours-{what}-{beams}.jsonl" for what in ("int8", "evaluate")))
        print(f"{beams} beams: {share:.1%} of the first ten items are in both int8's and float32's lists")
    for beams, same, users, worst in dict((entry[0], entry) for entry in lists).values():
        print(f"{beams} beams: lists equal for {same} of {users} users, largest score difference {worst:.1e}")
    if a.out:
        Path(a.out).write_text(json.dumps({"limit": limits, **{f"{w} {b}": f for (w, b), f in figures.items()}}, indent=1)
                               + "\n")


def print_table(a, figures, limit):
    print(f"medians of {a.rounds} rounds, {a.threads} threads, {a.precision}"
          + (f"; the machine's matrix products: {limit:.0f} GFLOP/s" if limit else ""))
    print(f"{'':30}{'ours':>9}{'peer':>9}{'ratio':>7}{'of limit':>10}{'ours MB':>9}{'peer MB':>9}")
    for (what, beams), sides in figures.items():
        rate = {side: statistics.median(r for r, _ in runs) for side, runs in sides.items() if runs}
        memory = {side: max(m for _, m in runs) for side, runs in sides.items() if runs}
        share = rate["ours"] * needed_gflop(what, a.prompt_tokens, beams) / limit if limit else None
        name = "train samples/s" if what == "train" else f"{what} users/s, {beams} beams"
        peer = "peer" in rate
        print(f"{name:30}{rate['ours']:9.2f}" + (f"{rate['peer']:9.2f}{rate['ours'] / rate['peer']:7.2f}" if peer else
                                                 " " * 16)
              + (f"{share:10.0%}" if share else " " * 10) + f"{memory['ours']:9.0f}"
              + (f"{memory['peer']:9.0f}" if peer else ""))


if __name__ == "__main__":
    main()

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
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


class Bench:
    def __init__(self, a):
        self.a = a
        self.work = Path(a.work)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        (self.work / "prompts.txt").write_text(PROMPT)
        self.common = ["--data-dir", a.data, "--datasets", a.dataset, "--index-db", self.work / "index.rocksdb",
                       "--indexing", "sequential", "--prompt-file", self.work / "prompts.txt", "--threads", a.threads,
                       "--precision", a.precision]
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
        run([self.a.openp5, "train", *self.common, "--backbone", backbone, "--tokenizer", self.a.tokenizer,
             "--run-dir", run_dir, "--batch-size", self.a.batch, "--max-steps", self.a.steps + 1,
             "--logging-step", 1, "--valid-select", "none"])
        rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
        # Each line has the mean rate since the start: the first step is warm-up and is taken off.
        seconds = [r["step"] * self.a.batch / r["samples_per_second"] for r in rows if r.get("event") == "step"]
        return (len(seconds) - 1) * self.a.batch / (seconds[-1] - seconds[0])

    def evaluate(self, topk):
        checkpoint = self.backbone if self.a.peer else self.work / "train/checkpoints/last"
        extra = ["--tokenizer", self.a.tokenizer] if self.a.peer else []
        common = self.common if self.a.peer else self.common[:6] + self.common[8:]
        out = run([self.a.openp5, "evaluate", "--checkpoint", checkpoint, *extra, *common, "--split", "test",
                   "--beams", self.a.beams, "--metrics", "hit@10", "--users", self.a.users,
                   "--eval-batch-size", self.a.eval_batch, "--topk-out", topk, "--format", "json"])
        return json.loads(out)["users_per_second"]

    def peer_train(self):
        return json.loads(run(self.peer("train", "--backbone", self.backbone, "--samples", self.work / "samples.jsonl",
                                        "--threads", self.a.threads, "--batch", self.a.batch, "--steps", self.a.steps,
                                        *(["--bf16"] if self.a.precision == "bfloat16" else []))))["samples_per_s"]

    def peer_evaluate(self, topk):
        return json.loads(run(self.peer("evaluate", "--backbone", self.backbone, "--samples", self.work / "samples.jsonl",
                                        "--threads", self.a.threads, "--users", self.a.users, "--beams", self.a.beams,
                                        "--batch", self.a.eval_batch, "--topk-out", topk)))["users_per_s"]

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
    parser.add_argument("--beams", type=int, default=10)
    parser.add_argument("--eval-batch", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2, help="times both sides are run in turn")
    parser.add_argument("--out")
    a = parser.parse_args()
    bench = Bench(a)
    figures = {"train ours": [], "train peer": [], "evaluate ours": [], "evaluate peer": []}
    for _ in range(a.rounds):
        figures["train ours"].append(bench.train())
        figures["evaluate ours"].append(bench.evaluate(bench.work / "ours.jsonl"))
        if a.peer:
            figures["train peer"].append(bench.peer_train())
            figures["evaluate peer"].append(bench.peer_evaluate(bench.work / "peer.jsonl"))
    print(f"{'':22}{'ours':>10}{'peer':>10}{'ratio':>8}   medians of {a.rounds} rounds, {a.threads} threads")
    for what, unit in (("train", "samples/s"), ("evaluate", "users/s")):
        ours = statistics.median(figures[what + " ours"])
        peer = statistics.median(figures[what + " peer"]) if a.peer else None
        print(f"{what + ' ' + unit:22}{ours:10.2f}" + (f"{peer:10.2f}{ours / peer:8.2f}" if peer else ""))
    if a.peer:
        same, users, worst = bench.compare_lists(bench.work / "ours.jsonl", bench.work / "peer.jsonl")
        print(f"top-{a.beams} lists equal for {same} of {users} users, largest score difference {worst:.1e}")
    if a.out:
        Path(a.out).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
